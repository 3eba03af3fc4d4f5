"""Which texts of a page are fainter than WCAG 2 AA lets them be; run in a browser."""

FAINT = """() => {
    const parts = (color) => color.match(/[\\d.]+/g).map(Number);
    const over = ([r, g, b, a = 1], under) => [r, g, b].map((one, i) => one * a + under[i] * (1 - a));
    const own = (one) => parts(getComputedStyle(one).backgroundColor);
    const behind = (one) => one ? over(own(one), behind(one.parentElement)) : [255, 255, 255];
    const light = (rgb) => {
        const [r, g, b] = rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = [], seen = new Set();
    const judge = (one, text, color, under) => {
        const [low, high] = [light(over(parts(color), under)), light(under)].sort((a, b) => a - b);
        const { fontSize, fontWeight } = getComputedStyle(one), size = parseFloat(fontSize);
        const least = size >= 24 || (size >= 18.66 && fontWeight >= 700) ? 3 : 4.5;
        const ratio = (high + 0.05) / (low + 0.05);
        seen.add(text);
        if (ratio < least) found.push(`${ratio.toFixed(2)} ${one.outerHTML.slice(0, 80)}`);
    };
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const one = walk.currentNode.parentElement, text = walk.currentNode.data.trim();
        if (!text || !one.checkVisibility() || one.closest("script, style, title, :disabled, .hide, .skip")) continue;
        const svg = one.closest("svg");
        judge(one, text, svg ? getComputedStyle(one).fill : getComputedStyle(one).color, behind(svg || one));
    }
    for (const one of document.querySelectorAll("[placeholder]")) {
        judge(one, one.placeholder, getComputedStyle(one, "::placeholder").color, behind(one));
    }
    return { found, texts: seen.size };
}"""
