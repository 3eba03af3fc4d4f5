/* A timeline of an analyzed recording: plain JavaScript, no dependency, no build step, no request.

   const timeline = microexprTimeline(host, analysis, { onSelect, onSeek, onLayout, spaceAboveCurves });

   host               an empty element; the timeline fills its width. Needs timeline.css.
   analysis           the content of events.json (docs/how-to/analyze.md): recording, faces, events, and where they are known
                      candidates (movements that are no events), spotter_threshold (its height on the curves) and excluded.
   onSelect           called with the index of the event in analysis.events that the user selected.
   onSeek             called with the seconds that the user chose, from 0 to the end; during a drag, repeatedly.
   onLayout           called with { space, scale, top } when they change: an element that scrolls with the timeline, pixels
                      per second, and top(face), the pixels from the upper edge of `space` to the lane of a face.
   spaceAboveCurves   pixels left free above every curve for elements of the page; 0 by default.

   timeline.select(index)     mark an event (null: none), scroll to it and move the playhead to its peak; no callback.
   timeline.seek(seconds)     move the playhead, e.g. while a video plays, and scroll to it; no callback.
   timeline.show(from, to)    zoom so that these seconds fill the width.
   timeline.update(analysis, index)  draw another state of the same recording (an event was edited, added or removed) with
                              this event marked (by default the same as before); does not scroll.
   timeline.preview(index, times)    draw an event with other { start, peak, end } until the next update; no callback.
   timeline.destroy()         remove everything.

   microexprTimeline.STATUS_MARKS and .formatProbability are for pages that show the same elsewhere.

   Keyboard: the ruler is a slider (arrows: a frame, with Shift or Page keys: a second, Home, End); events are buttons
   (Tab enters, arrows go from one to the next, Enter selects); + and - zoom, 0 shows all. Wheel with Ctrl zooms too.
   All text of a recording is inserted as text, never as HTML; styles are set by the CSSOM only, so that a strict CSP works. */
(function (root) {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const RULER_HEIGHT = 30;
  const TICK_STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  const MAX_WIDTH = 1e7; // pixels; browsers draw no element that is much wider
  const STATUS_MARKS = { confirmed: "✓", rejected: "×", corrected: "✎", added: "+" };
  let count = 0; // of the timelines, for unique ids

  function make(tag, name, parent, text) {
    const element = document.createElement(tag);
    element.className = name;
    if (text !== undefined) element.textContent = text;
    if (parent) parent.append(element);
    return element;
  }

  function draw(tag, values, parent, title) {
    const element = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(values)) element.setAttribute(key, value);
    if (title) draw("title", {}, element).textContent = title;
    parent.append(element);
    return element;
  }

  /* A probability is never displayed as certain or impossible. */
  const formatProbability = (value) => value >= 0.995 ? "> 0.99" : value < 0.005 ? "< 0.01" : value.toFixed(2);

  /* 75.25 with steps of .05 is 1:15.25; below a minute, 15.25 is 15.25 s. */
  function formatTime(seconds, step) {
    const digits = step >= 1 ? 0 : step >= 0.1 ? 1 : 2;
    const fine = Math.max(0, seconds);
    if (fine < 60) return fine.toFixed(digits) + " s";
    const whole = Number(fine.toFixed(digits));
    const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
    const tail = s.toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
    return h ? `${h}:${String(m).padStart(2, "0")}:${tail}` : `${m}:${tail}`;
  }

  function microexprTimeline(host, analysis, options) {
    const { onSelect = () => {}, onSeek = () => {}, onLayout = () => {}, spaceAboveCurves = 0 } = options || {};
    const curveTop = spaceAboveCurves + 22; // pixels from the upper edge of a lane
    const LANE = curveTop + 82, CURVE = [curveTop, curveTop + 40], STRIP = [curveTop + 46, curveTop + 70], BLINK = [curveTop + 74, curveTop + 78];
    const hatch = `tl-hatch-${++count}`;
    let data, lanes, end, frame, scale, fit = 1, now = 0, selected = null, waiting = 0, blocks = [];

    const box = make("div", "tl", host);
    const bar = make("div", "tl-bar", box);
    const legend = make("div", "tl-legend", bar);
    const position = make("output", "tl-now", bar);
    position.setAttribute("aria-live", "off"); // the ruler has the same text
    const tools = make("div", "tl-tools", bar);
    const scroller = make("div", "tl-scroll", box);
    const space = make("div", "tl-space", scroller);
    const view = make("div", "tl-view", space);
    const canvas = draw("svg", { class: "tl-canvas", "aria-hidden": "true" }, view);
    const ruler = make("div", "tl-ruler", view);
    const playhead = make("div", "tl-playhead", view);
    const strip = make("div", "tl-events", space);
    strip.setAttribute("role", "group");
    strip.setAttribute("aria-label", "events");
    ruler.tabIndex = 0;
    ruler.setAttribute("role", "slider");
    ruler.setAttribute("aria-label", "position in the recording");
    for (const [text, title, act] of [
      ["−", "zoom out (-)", () => zoom(0.5)], ["+", "zoom in (+)", () => zoom(2)], ["all", "show all (0)", () => show(0, end)],
    ]) {
      const button = make("button", "tl-tool", tools, text);
      button.type = "button";
      button.title = title;
      button.setAttribute("aria-label", title);
      button.addEventListener("click", act);
    }
    function drawLegend() {
      legend.replaceChildren();
      for (const [kind, text, present] of [
        ["micro", "micro, below 0.5 s", true], ["macro", "macro", true],
        ["candidate", "no event", data.candidates.length], ["threshold", "threshold", data.spotter_threshold !== null],
        ["blink", "blink", true], ["gap", "face not visible", true], ["excluded", "excluded", data.excluded.length],
      ]) {
        if (present) make("i", `tl-key tl-${kind}`, make("span", "", legend)).parentElement.append(text);
      }
    }

    function setAnalysis(newAnalysis) {
      data = { candidates: [], spotter_threshold: null, excluded: [], ...newAnalysis };
      frame = data.recording.fps > 0 ? 1 / data.recording.fps : 0.04;
      end = Math.max(data.recording.seconds + frame, frame);
      const faces = new Map(data.faces.map((face) => [face.face, face]));
      for (const event of data.events) {
        if (!faces.has(event.face)) faces.set(event.face, { face: event.face, gaps: [], blinks: [], curve: [] });
      }
      lanes = [...faces.values()].sort((a, b) => a.face - b.face);
      if (selected !== null && selected >= data.events.length) selected = null;
      ruler.setAttribute("aria-valuemin", "0");
      ruler.setAttribute("aria-valuemax", data.recording.seconds.toFixed(3));
      const height = RULER_HEIGHT + LANE * Math.max(1, lanes.length);
      for (const element of [space, view]) element.style.height = `${height}px`;
      drawLegend();
      makeBlocks();
    }

    const top = (face) => RULER_HEIGHT + LANE * lanes.findIndex((lane) => lane.face === face);
    const maxScale = () => Math.max(fit, Math.min(MAX_WIDTH / end, 60 / frame));
    const width = () => Math.max(1, scroller.clientWidth);
    const firstSecond = () => scroller.scrollLeft / scale;

    function resize() {
      const showsAll = scale === undefined || scale <= fit * 1.001;
      const left = showsAll ? 0 : firstSecond();
      fit = width() / end;
      scale = showsAll ? fit : Math.min(Math.max(scale, fit), maxScale());
      layOut(left);
    }

    function layOut(left) {
      space.style.width = `${Math.max(width(), Math.round(end * scale))}px`;
      view.style.width = `${width()}px`;
      scroller.scrollLeft = left * scale;
      for (const [index, block] of blocks.entries()) placeBlock(block, data.events[index]);
      onLayout({ space, scale, top });
      schedulePaint();
    }

    function show(low, high) {
      const span = Math.max(high - low, 2 * frame);
      scale = Math.min(Math.max(width() / span, fit), maxScale());
      layOut(Math.max(0, (low + high) / 2 - width() / scale / 2));
    }

    /* Zooms by a factor about a position in seconds; by default about the playhead if it is visible, else about the middle. */
    function zoom(factor, at) {
      const visible = now >= firstSecond() && now <= firstSecond() + width() / scale;
      const middle = at !== undefined ? at : visible ? now : firstSecond() + width() / scale / 2;
      const distance = (middle - firstSecond()) * scale;
      scale = Math.min(Math.max(scale * factor, fit), maxScale());
      layOut(Math.max(0, middle - distance / scale));
    }

    function placeBlock(block, event) {
      const length = Math.max((event.end - event.start) * scale, 8);
      block.style.left = `${(event.start + event.end) / 2 * scale - length / 2}px`;
      block.style.width = `${length}px`;
      const mark = STATUS_MARKS[event.status] || "", text = `${mark} ${event.label}`.trim();
      block.textContent = length > 7 * text.length + 12 ? text : length > 18 ? mark : "";
    }

    function makeBlocks() {
      const focused = blocks.findIndex((block) => block === document.activeElement);
      strip.replaceChildren();
      blocks = data.events.map((event, index) => {
        const block = make("button", `tl-event tl-${event.kind} tl-${event.status}`, strip);
        const probability = event.label_by ? undefined : event.probabilities?.[event.label];
        block.type = "button";
        block.tabIndex = index === (selected ?? 0) ? 0 : -1;
        block.style.top = `${top(event.face) + STRIP[0]}px`;
        block.style.height = `${STRIP[1] - STRIP[0]}px`;
        block.style.zIndex = String(1 + Math.round(100 / (1 + event.end - event.start)));
        const title =
          `event ${index + 1} of ${data.events.length}: ${event.kind}-expression, face ${event.face}, ` +
          `${event.start.toFixed(2)} s, ${Math.round(1000 * (event.end - event.start))} ms, ` +
          `${event.label}${probability === undefined ? "" : " " + formatProbability(probability)}, ${event.status}`;
        block.setAttribute("aria-label", title);
        block.setAttribute("aria-pressed", String(index === selected));
        block.title = title;
        block.addEventListener("click", () => { select(index); onSelect(index); });
        block.addEventListener("keydown", (key) => moveFocus(key, index));
        return block;
      });
      if (focused >= 0 && blocks.length) blocks[Math.min(focused, blocks.length - 1)].focus({ preventScroll: true });
    }

    function moveFocus(key, index) {
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
      const margin = Math.min(40, width() / 8) / scale;
      if (low - margin < firstSecond() || (high - low) * scale > width()) scroller.scrollLeft = (low - margin) * scale;
      else if (high + margin > firstSecond() + width() / scale) scroller.scrollLeft = (high + margin) * scale - width();
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
      schedulePaint();
    }

    function seek(seconds) {
      now = Math.min(Math.max(Number(seconds) || 0, 0), data.recording.seconds);
      ruler.setAttribute("aria-valuenow", now.toFixed(3));
      ruler.setAttribute("aria-valuetext", formatTime(now, 0.01));
      position.textContent = formatTime(now, 0.01);
      if (scale !== undefined && (now < firstSecond() || now > firstSecond() + width() / scale)) {
        scroller.scrollLeft = now * scale - width() / 3;
      }
      schedulePaint();
    }

    function seekByUser(seconds) {
      seek(seconds);
      onSeek(now);
    }

    function schedulePaint() {
      waiting = waiting || requestAnimationFrame(() => { waiting = 0; paint(); });
    }

    function paint() {
      const low = firstSecond(), high = low + width() / scale;
      const x = (seconds) => ((seconds - low) * scale).toFixed(1);
      const span = (a, b, minWidth) => ({ x: x(a), width: Math.max(minWidth, (b - a) * scale).toFixed(1) });
      canvas.replaceChildren();
      canvas.setAttribute("width", width());
      canvas.setAttribute("height", view.style.height.replace("px", ""));
      const pattern = draw("pattern", { id: hatch, width: 7, height: 7, patternUnits: "userSpaceOnUse",
        patternTransform: "rotate(45)" }, draw("defs", {}, canvas));
      draw("rect", { class: "tl-hatch", width: 2.5, height: 7 }, pattern);
      paintRuler(low, high, x);
      const visible = (a, b) => b >= low && a <= high;
      lanes.forEach((lane, row) => {
        const group = draw("g", { transform: `translate(0 ${RULER_HEIGHT + row * LANE})` }, canvas);
        draw("line", { class: "tl-rule", x1: 0, x2: width(), y1: 0.5, y2: 0.5 }, group);
        for (const [a, b] of lane.gaps.filter(([a, b]) => visible(a, b))) {
          draw("rect", { ...span(a, b, 1), y: 1, height: LANE - 1, fill: `url(#${hatch})` }, group, "face not visible");
        }
        for (const [a, b] of data.excluded.filter(([a, b]) => visible(a, b))) {
          draw("rect", { class: "tl-excluded", ...span(a, b, 1), y: 1, height: LANE - 1 }, group, "excluded");
        }
        for (const weak of data.candidates.filter(({ face, start, end }) => face === lane.face && visible(start, end))) {
          const title = `no event, ${weak.start.toFixed(2)} s: ${weak.reason}, score ${weak.score.toFixed(2)}`;
          const box = { ...span(weak.start, weak.end, 4), y: STRIP[0] + 3, height: STRIP[1] - STRIP[0] - 6, rx: 4 };
          draw("rect", { class: "tl-candidate", ...box }, group, title);
        }
        data.events.forEach((event, index) => {
          if (event.face !== lane.face || !visible(event.start, event.end)) return;
          const marked = index === selected ? " tl-selected" : "";
          const band = { ...span(event.start, event.end, 2), y: CURVE[0] - 4, height: STRIP[0] - CURVE[0] + 4 };
          draw("rect", { class: `tl-band tl-${event.kind} tl-${event.status}${marked}`, ...band }, group);
          if (index === selected) {
            draw("line", { class: "tl-peak", x1: x(event.peak), x2: x(event.peak), y1: CURVE[0] - 4, y2: STRIP[0] }, group);
          }
        });
        for (const [a, b] of lane.blinks.filter(([a, b]) => visible(a, b))) {
          draw("rect", { class: "tl-blink", ...span(a, b, 2), y: BLINK[0], height: BLINK[1] - BLINK[0], rx: 2 }, group, "blink");
        }
        paintCurve(lane, group, low, high, x);
        draw("text", { class: "tl-name", x: 8, y: 15 }, group).textContent = `face ${lane.face}`;
      });
      if (!lanes.length) {
        draw("text", { class: "tl-name", x: 8, y: RULER_HEIGHT + LANE / 2 }, canvas).textContent = "no face was found";
      }
      playhead.style.transform = `translateX(${x(now)}px)`;
      playhead.hidden = now < low - 1e-9 || now > high + 1e-9;
    }

    function paintRuler(low, high, x) {
      const step = TICK_STEPS.find((seconds) => seconds * scale >= 72) || 7200;
      for (let i = Math.ceil(low / step - 1e-9); i * step <= high; i++) {
        const t = i * step;
        draw("line", { class: "tl-tick", x1: x(t), x2: x(t), y1: RULER_HEIGHT - 7, y2: RULER_HEIGHT }, canvas);
        draw("line", { class: "tl-grid", x1: x(t), x2: x(t), y1: RULER_HEIGHT, y2: RULER_HEIGHT + LANE * lanes.length }, canvas);
        const text = draw("text", { class: "tl-time", x: Number(x(t)) + 4, y: RULER_HEIGHT - 9 }, canvas);
        text.textContent = formatTime(t, step);
      }
    }

    /* The curve is interrupted where the face is not visible. */
    function paintCurve(lane, parent, low, high, x) {
      const points = lane.curve;
      if (!points.length) return;
      const limit = data.spotter_threshold;
      const max = Math.max(...points.map(([, value]) => value), 1.1 * (limit ?? 0), 1e-9);
      const y = (value) => (CURVE[1] - (CURVE[1] - CURVE[0]) * value / max).toFixed(1);
      const hidden = (a, b) => [...lane.gaps, ...data.excluded].some(([c, d]) => c < b && d > a && d - c > frame && a <= c + frame && b >= d - frame);
      let first = points.findIndex(([seconds]) => seconds >= low), path = "", start = null, last = null;
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
      if (limit !== null) {
        draw("line", { class: "tl-threshold", x1: 0, x2: width(), y1: y(limit), y2: y(limit) }, parent, `threshold ${limit.toFixed(2)}`);
      }
    }

    const secondsAt = (pointer) => (pointer.clientX - view.getBoundingClientRect().left) / scale + firstSecond();
    ruler.addEventListener("pointerdown", (pointer) => {
      ruler.setPointerCapture(pointer.pointerId);
      seekByUser(secondsAt(pointer));
    });
    ruler.addEventListener("pointermove", (pointer) => { if (ruler.hasPointerCapture(pointer.pointerId)) seekByUser(secondsAt(pointer)); });
    canvas.addEventListener("click", (pointer) => seekByUser(secondsAt(pointer)));
    ruler.addEventListener("keydown", (key) => {
      const step = key.shiftKey ? 1 : frame;
      const to = { ArrowRight: now + step, ArrowUp: now + step, ArrowLeft: now - step, ArrowDown: now - step,
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
    scroller.addEventListener("scroll", schedulePaint, { passive: true });
    scroller.addEventListener("wheel", (wheel) => {
      if (!wheel.ctrlKey) return;
      wheel.preventDefault();
      zoom(wheel.deltaY < 0 ? 1.25 : 0.8, secondsAt(wheel));
    }, { passive: false });
    const observer = new ResizeObserver(resize);

    setAnalysis(analysis);
    resize();
    seek(0);
    observer.observe(scroller);

    return {
      select,
      seek,
      show,
      update(newAnalysis, index = selected) { selected = index; setAnalysis(newAnalysis); resize(); seek(now); },
      preview(index, times) {
        data = { ...data, events: data.events.map((event, i) => (i === index ? { ...event, ...times } : event)) };
        placeBlock(blocks[index], data.events[index]);
        schedulePaint();
      },
      destroy() { observer.disconnect(); cancelAnimationFrame(waiting); box.remove(); },
    };
  }

  root.microexprTimeline = Object.assign(microexprTimeline, { STATUS_MARKS, formatProbability });
})(globalThis);
