// The one piece of JavaScript behind every interactive figure of the course. Python has drawn the picture and stored
// every curve that a control can pick, and this swaps curves and texts. It computes nothing but the formulas of
// schedules; the rules of optimizers are in Python alone.
(() => {
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const [LEFT, RIGHT, TOP, BOTTOM] = $EDGES; // of the axes in a panel, in its own units

  // Numbers are stored as differences, in the letters of Base64 VLQ: see shorthand.py.
  function unpack(letters) {
    const numbers = [];
    let [last, rest, shift] = [0, 0, 0];
    for (const letter of letters) {
      const bits = "$LETTERS".indexOf(letter);
      rest |= (bits & 31) << shift;
      shift += 5;
      if (bits & 32) continue;
      numbers.push((last += rest & 1 ? -(rest >> 1) : rest >> 1));
      [rest, shift] = [0, 0];
    }
    return numbers;
  }

  function shown(value, digits) {
    if (!Number.isFinite(value)) return "beyond all numbers";
    const rounded = Number(value.toPrecision(digits));
    const [mantissa, power] = rounded.toExponential().split("e").map(Number);
    const text = power < -4 || power >= digits ? `${mantissa}·10${raised(power)}` : String(rounded);
    return text.replace("-", "−");
  }
  const raised = (power) => String(power).replace(/./g, (sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]);

  // The dot of a curve that has left the axes waits at their edge.
  const inside = ([u, v]) => [Math.min(Math.max(u, LEFT), RIGHT), Math.min(Math.max(v, TOP), BOTTOM)];

  const stairs = (points) =>
    points.flatMap(([u, v], k) => (k + 1 < points.length ? [[u, v], [points[k + 1][0], v]] : [[u, v]]));

  function bringToLife(root) {
    root.dataset.live = "";
    const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
    const state = data.controls.map((control) => control.start);
    const boxes = [...root.querySelectorAll(".control")];
    const panels = [...root.querySelectorAll("svg.panel")];
    const lines = [...root.querySelectorAll("[data-line]")];
    const dots = [...root.querySelectorAll("[data-dot]")];
    const texts = [...root.querySelectorAll("[data-readout]")];
    const live = root.querySelector("[aria-live]");
    const button = root.querySelector("[data-play]");
    const time = data.controls.findIndex((control) => control.kind === "step");
    const last = time < 0 ? 0 : data.controls[time].labels.length - 1;
    let timer = null;

    // Curves and texts are stored for every combination of the controls they depend on, the last one fastest.
    const chosen = (item, frames = item.frames) =>
      frames[item.controls.reduce((index, c) => index * data.controls[c].labels.length + state[c], 0)];

    // What belongs to one button of a radio group is off while another one is chosen.
    const show = (element, item) =>
      element.classList.toggle("off", Boolean(item.when) && state[item.when[0]] !== item.when[1]);

    for (const series of data.series.filter(({ formula }) => formula)) {
      const words = "const { abs, cos, exp, floor, max, min, sqrt, PI: pi } = Math;";
      const names = series.controls.map((c) => boxes[c].querySelector("label").textContent);
      const rule = new Function("t", ...names, `${words} return ${series.formula};`);
      series.at = (t) => rule(t, ...series.controls.map((c) => data.controls[c].values[state[c]]));
    }

    function curve(series) {
      const { x, y } = data.panels[series.panel];
      if (series.at)
        return Array.from({ length: series.count + 1 }, (_, t) => [
          LEFT + ((t - x[0]) / (x[1] - x[0])) * (RIGHT - LEFT),
          BOTTOM - ((series.at(t) - y[0]) / (y[1] - y[0])) * (BOTTOM - TOP),
        ]);
      const [us, vs] = series.x ? [series.x, chosen(series, series.y)] : chosen(series, series.xy);
      const u = unpack(us);
      return unpack(vs).map((v, k) => [u[k] / 10, v / 10]);
    }

    // What is read from a curve at the step, in as many digits as the picture holds.
    function height(series, step) {
      if (series.at) return shown(series.at(Math.min(step, series.count)), 3);
      const points = curve(series);
      if (step < Infinity && step >= points.length) return shown(Infinity);
      const share = (BOTTOM - points[Math.min(step, points.length - 1)][1]) / (BOTTOM - TOP);
      const { y, log, decimals } = data.panels[series.panel];
      if (!log) return (y[0] + (y[1] - y[0]) * share).toFixed(decimals).replace("-", "−");
      const value = y[0] * (y[1] / y[0]) ** share;
      return value < 1e-12 ? "below 10⁻¹²" : shown(value, 2);
    }

    function filled(text, readout, step) {
      const label = (c) => boxes[c].querySelector("label, span").textContent;
      const word = (name) => {
        if (name === "y") return height(data.series[readout.series], step);
        const control = readout.controls.find((c) => label(c) === name);
        return data.controls[control].labels[state[control]];
      };
      return text.replace(/\{(\w+)\}/g, (_, name) => word(name));
    }

    function draw() {
      data.controls.forEach((control, k) => show(boxes[k], control));
      data.panels.forEach((panel, k) => show(panels[k], panel));
      const step = time < 0 ? Infinity : state[time];
      data.series.forEach((series, k) => {
        const points = curve(series);
        const end = Math.min(step, points.length - 1);
        const line = series.whole ? points : points.slice(0, end + 1);
        lines[k].setAttribute("points", (series.stairs ? stairs(line) : line).join(" "));
        dots[k].setAttribute("transform", `translate(${inside(points[end])})`);
        show(lines[k], series);
        show(dots[k], series);
      });
      data.readouts.forEach((readout, k) => {
        const text = typeof readout.frames === "string" ? readout.frames : chosen(readout);
        texts[k].textContent = filled(Array.isArray(text) ? text[Math.min(step, text.length - 1)] : text, readout, step);
        show(texts[k].closest("li"), readout);
      });
    }

    // A click on a panel whose places can be picked takes the nearest one.
    data.panels.forEach(({ place, spots }, k) => {
      if (place === undefined) return;
      panels[k].addEventListener("click", ({ clientX, clientY }) => {
        const at = new DOMPoint(clientX, clientY).matrixTransform(panels[k].getScreenCTM().inverse());
        const distances = spots.map(([u, v]) => Math.hypot(u - at.x, v - at.y));
        choose(place, distances.indexOf(Math.min(...distances)));
      });
    });

    function choose(control, value) {
      state[control] = value;
      const label = data.controls[control].labels[value];
      root.querySelectorAll(`[data-control="${control}"]`).forEach((input) => {
        if (input.type === "radio") input.checked = Number(input.value) === value;
        else {
          input.value = value;
          input.setAttribute("aria-valuetext", label);
          input.parentNode.querySelector("output").textContent = label;
        }
      });
      draw();
    }

    function stop() {
      clearInterval(timer);
      timer = null;
      if (button) button.textContent = calm.matches ? "Next step" : "Play";
      live.setAttribute("aria-live", "polite");
    }

    function play() {
      live.setAttribute("aria-live", "off"); // a screen reader shall not read out every frame
      button.textContent = "Pause";
      if (state[time] === last) choose(time, 0);
      timer = setInterval(
        () => (root.isConnected && state[time] < last ? choose(time, state[time] + 1) : stop()),
        Math.max(40, 4000 / last),
      );
    }

    function playWhenSeen() {
      const watch = new IntersectionObserver(
        (changes) => {
          if (!changes.some((change) => change.isIntersecting)) return;
          watch.disconnect();
          play();
        },
        { threshold: 0.6 },
      );
      watch.observe(panels[0]);
      for (const touch of ["focusin", "input"]) root.addEventListener(touch, () => watch.disconnect(), { once: true });
    }

    root.addEventListener("focusin", ({ target }) => {
      if (timer && Number(target.dataset.control) === time) stop();
    });
    root.addEventListener("input", ({ target }) => {
      if (!target.dataset.control) return;
      const control = Number(target.dataset.control);
      if (timer && control === time) stop(); // where a click gives no focus
      choose(control, Number(target.value));
    });
    if (button) {
      button.addEventListener("click", () => {
        if (timer) stop();
        else if (calm.matches) choose(time, (state[time] + 1) % (last + 1));
        else play();
      });
      calm.addEventListener?.("change", stop);
      stop();
    }
    data.controls.forEach((control, k) => choose(k, control.start)); // a browser may have kept older positions
    root.querySelector("form").hidden = false;
    root.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
    if (data.autoplay && !calm.matches) playWhenSeen();
  }

  document.querySelectorAll(".course-figure:not([data-live])").forEach(bringToLife);
})();
