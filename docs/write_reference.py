"""Write the reference pages into the site; mkdocs runs this file (plugin `gen-files`)."""

import sys
from pathlib import Path

import mkdocs_gen_files

sys.path.insert(0, str(Path(__file__).parent))
from reference import all_pages

for name, text in all_pages().items():
    with mkdocs_gen_files.open(f"reference/{name}.md", "w") as file:
        file.write(text)
