"""Find texts whose contrast is below WCAG 2 AA; JavaScript that runs in a browser."""

LOW_CONTRAST = """() => {
    const parts = (color) => color.match(/[\\d.]+/g).map(Number);
    const over = ([r, g, b, a = 1], under) => [r, g, b].map((value, i) => value * a + under[i] * (1 - a));
    const own = (element) => parts(getComputedStyle(element).backgroundColor);
    const behind = (element) => element ? over(own(element), behind(element.parentElement)) : [255, 255, 255];
    const luminance = (rgb) => {
        const [r, g, b] = rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = [], seen = new Set();
    const check = (element, text, color, under) => {
        const [low, high] = [luminance(over(parts(color), under)), luminance(under)].sort((a, b) => a - b);
        const { fontSize, fontWeight } = getComputedStyle(element), size = parseFloat(fontSize);
        const limit = size >= 24 || (size >= 18.66 && fontWeight >= 700) ? 3 : 4.5;
        const ratio = (high + 0.05) / (low + 0.05);
        seen.add(text);
        if (ratio < limit) found.push(`${ratio.toFixed(2)} ${element.outerHTML.slice(0, 80)}`);
    };
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const element = walk.currentNode.parentElement, text = walk.currentNode.data.trim();
        const ignored = element.closest("script, style, title, :disabled, .visually-hidden, .skip");
        if (!text || ignored || !element.checkVisibility()) continue;
        const svg = element.closest("svg");
        const style = getComputedStyle(element);
        check(element, text, svg ? style.fill : style.color, behind(svg || element));
    }
    for (const field of document.querySelectorAll("[placeholder]")) {
        check(field, field.placeholder, getComputedStyle(field, "::placeholder").color, behind(field));
    }
    return { found, texts: seen.size };
}"""
