/* A time line of what was found in a recording: plain JavaScript, no dependency, no build step, no request.

   const line = microexprTimeline(host, analysis, { onSelect, onSeek, room, onLayout });

   host          an empty element; the time line fills its width. Needs timeline.css.
   analysis      the content of events.json (docs/analyze.md): recording, faces, events.
   onSelect      called with the index of an event in analysis.events that the user chose.
   onSeek        called with the seconds of the place that the user chose, from 0 to the end; while it is dragged, often.
   room          pixels left free above every curve, for what others lay over it; 0.
   onLayout      called with { space, scale, top } when they change: an element that scrolls along, pixels a second, and
                 top(face), the pixels from the upper edge of `space` to the lane of a face.

   line.select(index)     mark an event (null: none), bring it into sight and move the playhead to its peak; calls nothing.
   line.seek(seconds)     move the playhead, e.g. while a video plays; calls nothing. Keeps it in sight.
   line.show(from, to)    zoom so that these seconds fill the width.
   line.update(analysis, index)  draw another state of the same recording (an event was judged, added, taken away), that
                          event marked (left out: the same as before) where it lies.
   line.preview(index, times)    draw an event with other { start, peak, end } until the next update; calls nothing.
   line.destroy()         take everything away.

   Keyboard: the ruler is a slider (arrows: a frame, with Shift or Page keys: a second, Home, End); events are buttons
   (Tab enters, arrows go from one to the next, Enter chooses); + and - zoom, 0 shows all. Wheel with Ctrl zooms too.
   Every text of a recording goes in as text, never as HTML; only the CSSOM is used, so that a strict CSP lets it work. */
(function (root) {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const RULER = 30;
  const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  const WIDEST = 1e7; // pixels; browsers draw no element that is much wider
  const MARK = { confirmed: "✓", rejected: "×", corrected: "✎", added: "+" };
  let made = 0;

  function make(tag, name, parent, text) {
    const one = document.createElement(tag);
    one.className = name;
    if (text !== undefined) one.textContent = text;
    if (parent) parent.append(one);
    return one;
  }

  function draw(tag, values, parent, told) {
    const one = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(values)) one.setAttribute(key, value);
    if (told) draw("title", {}, one).textContent = told;
    parent.append(one);
    return one;
  }

  /* 75.25 with steps of .05 is 1:15.25; below a minute it is 15.25 s. */
  function clock(seconds, step) {
    const digits = step >= 1 ? 0 : step >= 0.1 ? 1 : 2;
    const fine = Math.max(0, seconds);
    if (fine < 60) return fine.toFixed(digits) + " s";
    const whole = Number(fine.toFixed(digits));
    const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
    const tail = s.toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
    return h ? `${h}:${String(m).padStart(2, "0")}:${tail}` : `${m}:${tail}`;
  }

  function microexprTimeline(host, analysis, options) {
    const { onSelect = () => {}, onSeek = () => {}, onLayout = () => {}, room = 0 } = options || {};
    const LANE = room + 104, CURVE = [room + 22, room + 62], STRIP = [room + 68, room + 92], BLINK = [room + 96, room + 100];
    const hatch = `tl-hatch-${++made}`;
    let data, lanes, end, frame, scale, fit = 1, now = 0, selected = null, waiting = 0, blocks = [];

    const box = make("div", "tl", host);
    const bar = make("div", "tl-bar", box);
    const legend = make("div", "tl-legend", bar);
    const place = make("output", "tl-now", bar);
    place.setAttribute("aria-live", "off"); // the ruler tells the same
    const tools = make("div", "tl-tools", bar);
    const scroller = make("div", "tl-scroll", box);
    const space = make("div", "tl-space", scroller);
    const view = make("div", "tl-view", space);
    const picture = draw("svg", { class: "tl-picture", "aria-hidden": "true" }, view);
    const ruler = make("div", "tl-ruler", view);
    const head = make("div", "tl-head", view);
    const strip = make("div", "tl-events", space);
    strip.setAttribute("role", "group");
    strip.setAttribute("aria-label", "events");
    ruler.tabIndex = 0;
    ruler.setAttribute("role", "slider");
    ruler.setAttribute("aria-label", "place in the recording");
    for (const [name, told, act] of [
      ["−", "zoom out (-)", () => zoom(0.5)], ["+", "zoom in (+)", () => zoom(2)], ["all", "show all (0)", () => show(0, end)],
    ]) {
      const button = make("button", "tl-tool", tools, name);
      button.type = "button";
      button.title = told;
      button.setAttribute("aria-label", told);
      button.addEventListener("click", act);
    }
    for (const [kind, told] of [
      ["micro", "micro, below 0.5 s"], ["macro", "macro"], ["blink", "blink"], ["gap", "face not in sight"],
    ]) {
      make("i", `tl-key tl-${kind}`, make("span", "", legend)).parentElement.append(told);
    }

    function take(given) {
      data = given;
      frame = data.recording.fps > 0 ? 1 / data.recording.fps : 0.04;
      end = Math.max(data.recording.seconds + frame, frame);
      const found = new Map(data.faces.map((face) => [face.face, face]));
      for (const event of data.events) {
        if (!found.has(event.face)) found.set(event.face, { face: event.face, gaps: [], blinks: [], curve: [] });
      }
      lanes = [...found.values()].sort((a, b) => a.face - b.face);
      if (selected !== null && selected >= data.events.length) selected = null;
      ruler.setAttribute("aria-valuemin", "0");
      ruler.setAttribute("aria-valuemax", data.recording.seconds.toFixed(3));
      const height = RULER + LANE * Math.max(1, lanes.length);
      for (const one of [space, view]) one.style.height = `${height}px`;
      fill();
    }

    const top = (face) => RULER + LANE * lanes.findIndex((lane) => lane.face === face);
    const most = () => Math.max(fit, Math.min(WIDEST / end, 60 / frame));
    const width = () => Math.max(1, scroller.clientWidth);
    const from = () => scroller.scrollLeft / scale;

    function resize() {
      const whole = scale === undefined || scale <= fit * 1.001;
      const left = whole ? 0 : from();
      fit = width() / end;
      scale = whole ? fit : Math.min(Math.max(scale, fit), most());
      stretch(left);
    }

    function stretch(left) {
      space.style.width = `${Math.max(width(), Math.round(end * scale))}px`;
      view.style.width = `${width()}px`;
      scroller.scrollLeft = left * scale;
      for (const [index, block] of blocks.entries()) put(block, data.events[index]);
      onLayout({ space, scale, top });
      soon();
    }

    function show(low, high) {
      const span = Math.max(high - low, 2 * frame);
      scale = Math.min(Math.max(width() / span, fit), most());
      stretch(Math.max(0, (low + high) / 2 - width() / scale / 2));
    }

    /* By a factor, about the playhead where it is in sight, else about a place or the middle. */
    function zoom(factor, at) {
      const seen = now >= from() && now <= from() + width() / scale;
      const middle = at !== undefined ? at : seen ? now : from() + width() / scale / 2;
      const share = (middle - from()) * scale;
      scale = Math.min(Math.max(scale * factor, fit), most());
      stretch(Math.max(0, middle - share / scale));
    }

    function put(block, event) {
      const long = Math.max((event.end - event.start) * scale, 8);
      block.style.left = `${(event.start + event.end) / 2 * scale - long / 2}px`;
      block.style.width = `${long}px`;
      const mark = MARK[event.status] || "", text = `${mark} ${event.label}`.trim();
      block.textContent = long > 7 * text.length + 12 ? text : long > 18 ? mark : "";
    }

    function fill() {
      const held = blocks.findIndex((block) => block === document.activeElement);
      strip.replaceChildren();
      blocks = data.events.map((event, index) => {
        const block = make("button", `tl-event tl-${event.kind} tl-${event.status}`, strip);
        const share = event.probabilities && event.probabilities[event.label];
        block.type = "button";
        block.tabIndex = index === (selected ?? 0) ? 0 : -1;
        block.style.top = `${top(event.face) + STRIP[0]}px`;
        block.style.height = `${STRIP[1] - STRIP[0]}px`;
        block.style.zIndex = String(1 + Math.round(100 / (1 + event.end - event.start)));
        const told =
          `event ${index + 1} of ${data.events.length}: ${event.kind}-expression, face ${event.face}, ` +
          `${event.start.toFixed(2)} s, ${Math.round(1000 * (event.end - event.start))} ms, ` +
          `${event.label}${share === undefined ? "" : " " + (share < 0.995 ? share.toFixed(2) : "> 0.99")}, ${event.status}`;
        block.setAttribute("aria-label", told);
        block.setAttribute("aria-pressed", String(index === selected));
        block.title = told;
        block.addEventListener("click", () => { select(index); onSelect(index); });
        block.addEventListener("keydown", (key) => walk(key, index));
        return block;
      });
      if (held >= 0 && blocks.length) blocks[Math.min(held, blocks.length - 1)].focus({ preventScroll: true });
    }

    function walk(key, index) {
      const to = { ArrowRight: index + 1, ArrowDown: index + 1, ArrowLeft: index - 1, ArrowUp: index - 1,
        Home: 0, End: blocks.length - 1 }[key.key];
      if (to === undefined || !blocks[to]) return;
      key.preventDefault();
      key.stopPropagation();
      blocks[index].tabIndex = -1;
      blocks[to].tabIndex = 0;
      blocks[to].focus({ preventScroll: true });
      reveal(data.events[to].start, data.events[to].end);
    }

    function reveal(low, high) {
      const room = Math.min(40, width() / 8) / scale;
      if (low - room < from() || (high - low) * scale > width()) scroller.scrollLeft = (low - room) * scale;
      else if (high + room > from() + width() / scale) scroller.scrollLeft = (high + room) * scale - width();
    }

    function select(index) {
      const focused = blocks.includes(document.activeElement);
      selected = index === null || !data.events[index] ? null : index;
      for (const [i, block] of blocks.entries()) {
        block.setAttribute("aria-pressed", String(i === selected));
        block.tabIndex = i === (selected ?? 0) ? 0 : -1;
      }
      if (selected !== null) {
        const event = data.events[selected];
        if ((event.end - event.start) * scale < 16) show(event.peak - 2, event.peak + 2);
        reveal(event.start, event.end);
        if (focused) blocks[selected].focus({ preventScroll: true });
        seek(event.peak);
      }
      soon();
    }

    function seek(seconds) {
      now = Math.min(Math.max(Number(seconds) || 0, 0), data.recording.seconds);
      ruler.setAttribute("aria-valuenow", now.toFixed(3));
      ruler.setAttribute("aria-valuetext", clock(now, 0.01));
      place.textContent = clock(now, 0.01);
      if (scale !== undefined && (now < from() || now > from() + width() / scale)) {
        scroller.scrollLeft = now * scale - width() / 3;
      }
      soon();
    }

    function seekByUser(seconds) {
      seek(seconds);
      onSeek(now);
    }

    function soon() {
      waiting = waiting || requestAnimationFrame(() => { waiting = 0; paint(); });
    }

    function paint() {
      const low = from(), high = low + width() / scale;
      const x = (seconds) => ((seconds - low) * scale).toFixed(1);
      const span = (a, b, least) => ({ x: x(a), width: Math.max(least, (b - a) * scale).toFixed(1) });
      picture.replaceChildren();
      picture.setAttribute("width", width());
      picture.setAttribute("height", view.style.height.replace("px", ""));
      const pattern = draw("pattern", { id: hatch, width: 7, height: 7, patternUnits: "userSpaceOnUse",
        patternTransform: "rotate(45)" }, draw("defs", {}, picture));
      draw("rect", { class: "tl-hatch", width: 2.5, height: 7 }, pattern);
      paintRuler(low, high, x);
      const seen = (a, b) => b >= low && a <= high;
      lanes.forEach((lane, row) => {
        const lane_ = draw("g", { transform: `translate(0 ${RULER + row * LANE})` }, picture);
        draw("line", { class: "tl-rule", x1: 0, x2: width(), y1: 0.5, y2: 0.5 }, lane_);
        for (const [a, b] of lane.gaps.filter(([a, b]) => seen(a, b))) {
          draw("rect", { ...span(a, b, 1), y: 1, height: LANE - 1, fill: `url(#${hatch})` }, lane_, "face not in sight");
        }
        data.events.forEach((event, index) => {
          if (event.face !== lane.face || !seen(event.start, event.end)) return;
          const chosen = index === selected ? " tl-chosen" : "";
          const band = { ...span(event.start, event.end, 2), y: CURVE[0] - 4, height: STRIP[0] - CURVE[0] + 4 };
          draw("rect", { class: `tl-band tl-${event.kind} tl-${event.status}${chosen}`, ...band }, lane_);
          if (index === selected) {
            draw("line", { class: "tl-peak", x1: x(event.peak), x2: x(event.peak), y1: CURVE[0] - 4, y2: STRIP[0] }, lane_);
          }
        });
        for (const [a, b] of lane.blinks.filter(([a, b]) => seen(a, b))) {
          draw("rect", { class: "tl-blink", ...span(a, b, 2), y: BLINK[0], height: BLINK[1] - BLINK[0], rx: 2 }, lane_, "blink");
        }
        paintCurve(lane, lane_, low, high, x);
        draw("text", { class: "tl-name", x: 8, y: 15 }, lane_).textContent = `face ${lane.face}`;
      });
      if (!lanes.length) {
        draw("text", { class: "tl-name", x: 8, y: RULER + LANE / 2 }, picture).textContent = "no face was found";
      }
      head.style.transform = `translateX(${x(now)}px)`;
      head.hidden = now < low - 1e-9 || now > high + 1e-9;
    }

    function paintRuler(low, high, x) {
      const step = STEPS.find((one) => one * scale >= 72) || 7200;
      for (let i = Math.ceil(low / step - 1e-9); i * step <= high; i++) {
        const t = i * step;
        draw("line", { class: "tl-tick", x1: x(t), x2: x(t), y1: RULER - 7, y2: RULER }, picture);
        draw("line", { class: "tl-grid", x1: x(t), x2: x(t), y1: RULER, y2: RULER + LANE * lanes.length }, picture);
        const text = draw("text", { class: "tl-time", x: Number(x(t)) + 4, y: RULER - 9 }, picture);
        text.textContent = clock(t, step);
      }
    }

    /* Broken where the points lie so far apart that there is a gap between them. */
    function paintCurve(lane, parent, low, high, x) {
      const points = lane.curve;
      if (!points.length) return;
      const top = Math.max(...points.map((one) => one[1]), 1e-9);
      const y = (value) => (CURVE[1] - (CURVE[1] - CURVE[0]) * value / top).toFixed(1);
      const hidden = (a, b) => lane.gaps.some(([c, d]) => c < b && d > a && d - c > frame && a <= c + frame && b >= d - frame);
      let first = points.findIndex((one) => one[0] >= low), path = "", start = null, last = null;
      first = Math.max(0, (first < 0 ? points.length : first) - 1);
      let area = "";
      const close = () => { if (start !== null) area += `L${last} ${CURVE[1]}L${start} ${CURVE[1]}Z`; };
      for (let i = first; i < points.length; i++) {
        const [t, value] = points[i];
        const begins = start === null || hidden(points[i - 1][0], t);
        if (begins) { close(); start = x(t); }
        path += `${begins ? "M" : "L"}${x(t)} ${y(value)}`;
        area += `${begins ? "M" : "L"}${x(t)} ${y(value)}`;
        last = x(t);
        if (t > high) break;
      }
      close();
      draw("path", { class: "tl-area", d: area }, parent);
      draw("path", { class: "tl-curve", d: path }, parent);
    }

    const at = (pointer) => (pointer.clientX - view.getBoundingClientRect().left) / scale + from();
    ruler.addEventListener("pointerdown", (pointer) => {
      ruler.setPointerCapture(pointer.pointerId);
      seekByUser(at(pointer));
    });
    ruler.addEventListener("pointermove", (pointer) => { if (ruler.hasPointerCapture(pointer.pointerId)) seekByUser(at(pointer)); });
    picture.addEventListener("click", (pointer) => seekByUser(at(pointer)));
    ruler.addEventListener("keydown", (key) => {
      const far = key.shiftKey ? 1 : frame;
      const to = { ArrowRight: now + far, ArrowUp: now + far, ArrowLeft: now - far, ArrowDown: now - far,
        PageUp: now + 1, PageDown: now - 1, Home: 0, End: end }[key.key];
      if (to === undefined) return;
      key.preventDefault();
      seekByUser(to);
    });
    box.addEventListener("keydown", (key) => {
      if (key.ctrlKey || key.metaKey || key.altKey) return;
      const act = { "+": () => zoom(2), "=": () => zoom(2), "-": () => zoom(0.5), "0": () => show(0, end) }[key.key];
      if (!act) return;
      key.preventDefault();
      act();
    });
    scroller.addEventListener("scroll", soon, { passive: true });
    scroller.addEventListener("wheel", (wheel) => {
      if (!wheel.ctrlKey) return;
      wheel.preventDefault();
      zoom(wheel.deltaY < 0 ? 1.25 : 0.8, at(wheel));
    }, { passive: false });
    const watch = new ResizeObserver(resize);

    take(analysis);
    resize();
    seek(0);
    watch.observe(scroller);

    return {
      select,
      seek,
      show,
      update(given, index = selected) { selected = index; take(given); resize(); seek(now); },
      preview(index, times) {
        data = { ...data, events: data.events.map((one, i) => (i === index ? { ...one, ...times } : one)) };
        put(blocks[index], data.events[index]);
        soon();
      },
      destroy() { watch.disconnect(); cancelAnimationFrame(waiting); box.remove(); },
    };
  }

  root.microexprTimeline = microexprTimeline;
})(globalThis);
