// The one piece of JavaScript behind every interactive figure of the course. It computes nothing: Python
// has drawn the picture and stored every curve that a control can pick; this swaps curves and texts.
(() => {
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

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
    const chosen = (item) =>
      item.frames[item.controls.reduce((index, c) => index * data.controls[c].labels.length + state[c], 0)];

    // What belongs to one button of a radio group is off while another one is chosen.
    const show = (element, item) =>
      element.classList.toggle("off", Boolean(item.when) && state[item.when[0]] !== item.when[1]);

    function draw() {
      data.controls.forEach((control, k) => show(boxes[k], control));
      data.panels.forEach((panel, k) => show(panels[k], panel));
      const step = time < 0 ? Infinity : state[time];
      data.series.forEach((series, k) => {
        const points = chosen(series).split(" ");
        const end = Math.min(step, points.length - 1);
        lines[k].setAttribute("points", (series.whole ? points : points.slice(0, end + 1)).join(" "));
        dots[k].setAttribute("transform", `translate(${points[end]})`);
        show(lines[k], series);
        show(dots[k], series);
      });
      data.readouts.forEach((readout, k) => {
        const text = chosen(readout);
        texts[k].textContent = Array.isArray(text) ? text[Math.min(step, text.length - 1)] : text;
        show(texts[k].closest("li"), readout);
      });
    }

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
