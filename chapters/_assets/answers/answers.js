// Exercises that are answered on the page. Nothing is fetched before "Answer here" is pressed: then Python comes into a
// worker, while the reader writes. tools/sphinx_answers.py writes the blocks and the settings that are found here.
(() => {
  const settings = JSON.parse(document.getElementById("answers-settings").textContent);
  const { words, exercises } = settings;
  const folder = new URL(".", document.currentScript.src);

  // ------------------------------------------------------------------------------------ what the browser keeps
  // Texts under "answer:…", the progress in the form of the notebooks' file. Another window may write at any time.
  const PREFIX = "learning-rates-course:";
  const PROGRESS = "progress";
  const VERSION = 1; // of the progress file, as in course_lib/exercises/record.py
  const unkept = new Map(); // where the browser keeps nothing, as in some private windows
  const kept = {
    get(key) {
      if (unkept.has(key)) return unkept.get(key); // newer than what a full store still has
      try { return localStorage.getItem(PREFIX + key); } catch { return null; }
    },
    set(key, value) {
      try {
        localStorage.setItem(PREFIX + key, value);
        unkept.delete(key);
      } catch {
        unkept.set(key, value);
      }
    },
  };
  const answerKey = (id) => `answer:${id}`;

  const STATES = ["open", "tried", "passed"];
  function read(text) {
    const content = JSON.parse(text);
    const { version = VERSION, exercises: states } = content ?? {};
    const known = Object.values(states ?? {}).every((state) => STATES.includes(state));
    if (states?.constructor !== Object || !known || version !== VERSION) throw new Error(words.noProgress);
    return content;
  }

  function readOrNew(text, damaged = () => {}) {
    try {
      return read(text);
    } catch {
      damaged();
      return { version: VERSION, exercises: {} };
    }
  }

  // What is passed stays passed, whichever of two windows or files says so. Only what stood in `before`, which an answer
  // was given, and is gone now was forgotten on purpose: reset() was called.
  function merge(text, before = text) {
    if (text === kept.get(PROGRESS)) return; // also that of a later version of the course, which is left as it is
    const added = read(text);
    const now = readOrNew(kept.get(PROGRESS) ?? text, () => kept.set(`${PROGRESS}:damaged`, kept.get(PROGRESS)));
    const forgotten = (id) => id in readOrNew(before).exercises && !(id in added.exercises);
    const ids = Object.keys({ ...now.exercises, ...added.exercises }).filter((id) => !forgotten(id));
    const rank = ({ exercises: states }, id) => STATES.indexOf(states[id]);
    const better = (id) => [id, STATES[Math.max(rank(now, id), rank(added, id))]];
    const merged = { ...now, ...added, exercises: Object.fromEntries(ids.sort().map(better)) };
    kept.set(PROGRESS, `${JSON.stringify(merged, null, 1)}\n`);
    showProgress();
  }

  function showProgress() {
    const states = readOrNew(kept.get(PROGRESS)).exercises; // if damaged, it is set aside at the next check
    const done = exercises.filter((id) => states[id] === "passed").length;
    for (const place of document.querySelectorAll('[data-role="done"]')) {
      place.textContent = words.done.replace("{done}", done).replace("{all}", exercises.length);
    }
  }

  // --------------------------------------------------------------------- Python: a worker that is ended and replaced
  const SECONDS_OF_INTERRUPTING = 1; // as in course_lib/exercises/sandbox.py: then nothing else helps
  const PATIENCE = 60; // seconds for what the course itself computes around an answer
  const SLOW = 20; // seconds of loading after which the reader is told why it may take long
  let hints = {};
  let python; // {worker, ready}
  let task; // {resolve, progress, cards}
  let ending; // the timer

  function start() {
    if (python) return python;
    for (const note of document.querySelectorAll('[data-role="closed"] small')) note.hidden = true; // no longer true
    const own = (python = {});
    own.ready = new Promise((resolve, reject) => {
      own.reject = reject;
      makeWorker().then((worker) => {
        if (python !== own) return worker.terminate();
        own.worker = worker;
        worker.onerror = (event) => refuse(own, event.message || file("worker.js"));
        worker.onmessage = ({ data }) => {
          if (python !== own) return;
          if (data.ready) resolve();
          else if (data.refused) refuse(own, data.refused);
          else if ("watch" in data) watch(data);
          else if (data.failed) end("ended");
          else finish(data.done, data.worn);
        };
      }).catch((error) => refuse(own, error.message));
    });
    own.ready.catch(() => {}); // whoever waits for it hears of it
    return own;
  }

  function refuse(own, why) {
    own.worker?.terminate();
    if (python === own) python = undefined; // the next check tries again
    own.reject(new Error(why));
    if (task) end("ended");
  }

  async function makeWorker() {
    const core = new URL(settings.core, folder).href;
    const { chapters, hashes } = settings;
    const boot = { core, hashes, chapters, lock: file("pyodide-lock.json"), course: file("course.zip") };
    if (location.protocol !== "file:") {
      const worker = new Worker(file("worker.js"));
      worker.postMessage({ boot });
      return worker;
    }
    const files = await fromDisk();
    const worker = new Worker(URL.createObjectURL(new Blob([files["worker.js"]], { type: "text/javascript" })));
    worker.postMessage({ boot: { ...boot, files } });
    return worker;
  }

  const file = (name) => new URL(`${name}?v=${settings.version}`, folder).href;

  // From disk a page may load scripts, but neither workers nor data: a script holds all files, compressed, as text.
  let files;
  function fromDisk() {
    files ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = file("from_disk.js");
      script.onerror = () => reject(new Error(script.src));
      script.onload = () => resolve(unpacked(window.answersFromDisk));
      document.head.append(script);
    });
    files.catch(() => (files = undefined));
    return files;
  }
  async function unpacked(packed) {
    const pairs = Object.entries(packed).map(async ([name, text]) => {
      const bytes = await (await fetch(`data:application/gzip;base64,${text}`)).blob();
      return [name, await new Response(bytes.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer()];
    });
    delete window.answersFromDisk;
    return Object.fromEntries(await Promise.all(pairs));
  }

  function watch({ watch: seconds, cards }) {
    if (!task) return;
    task.cards = cards;
    clearTimeout(ending);
    ending = setTimeout(() => end("stopped"), 1000 * (seconds === null ? PATIENCE : seconds + SECONDS_OF_INTERRUPTING));
  }

  function restart() {
    python?.worker?.terminate();
    python = undefined;
    start(); // the next check shall not wait
  }

  // Python says nothing more: it is stopped from here, or came to its end by itself.
  function end(how) {
    const card = task?.cards?.[how];
    restart();
    if (task) settle({ html: card ?? "", output: "" });
  }

  function finish(done, worn) {
    if (worn) restart(); // it was interrupted: what that left behind goes with it
    hints = done.hints;
    if (done.progress) merge(done.progress, task.progress);
    settle(done);
  }

  function settle(result) {
    clearTimeout(ending);
    const { resolve } = task;
    task = undefined;
    resolve(result);
  }

  // Returns {html, status, output}. Raises what kept Python from being loaded.
  async function ask(id, name, given, say) {
    say(words.loading);
    const slow = setTimeout(() => say(words.slow), 1000 * SLOW);
    const own = start();
    try {
      await own.ready;
    } finally {
      clearTimeout(slow);
    }
    say(words.checking);
    return new Promise((resolve) => {
      const progress = kept.get(PROGRESS) ?? "";
      task = { resolve, progress };
      watch({ watch: null, cards: undefined });
      own.worker.postMessage({ task: { id, name, arguments: [given, progress, JSON.stringify(hints)] } });
    });
  }

  // ---------------------------------------------------------------------- the text area: what a code cell does
  const INDENT = "    ";

  // Through the browser's own editing, so that Ctrl+Z takes it back.
  function type(field, text) {
    if (!document.execCommand(text ? "insertText" : "delete", false, text)) {
      field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
      field.dispatchEvent(new Event("input"));
    }
  }

  function replaceAll(field, text) {
    field.focus();
    field.select();
    type(field, text);
  }

  const startOfLine = (field, place) => field.value.lastIndexOf("\n", place - 1) + 1;

  function indentLines(field, back) {
    const from = startOfLine(field, field.selectionStart);
    const to = field.selectionEnd;
    const lines = field.value.slice(from, to).split("\n");
    const moved = lines.map((line) => (back ? line.replace(/^ {1,4}/, "") : line && INDENT + line)).join("\n");
    const caret = field.selectionStart === to ? Math.max(from, to + moved.length - (to - from)) : undefined;
    const whole = back && caret !== undefined; // of a single line only what stands before the caret was looked at
    field.setSelectionRange(from, to);
    type(field, whole ? field.value.slice(from, to).replace(/^ {1,4}/, "") : moved);
    if (caret === undefined) field.setSelectionRange(from, from + moved.length);
  }

  function editing(field) {
    let leaving = false; // after Escape, Tab goes to the next element, as elsewhere on the page
    field.addEventListener("keydown", (event) => {
      const plain = !(event.ctrlKey || event.altKey || event.metaKey);
      const caret = field.selectionStart === field.selectionEnd;
      const before = field.value.slice(startOfLine(field, field.selectionStart), field.selectionStart);
      if (event.key === "Tab" && plain && !leaving) {
        event.preventDefault();
        if (event.shiftKey || !caret) indentLines(field, event.shiftKey);
        else type(field, INDENT.slice(before.length % INDENT.length));
      } else if (event.key === "Enter" && plain && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        const deeper = /:\s*(#.*)?$/.test(before) ? INDENT : "";
        type(field, `\n${before.match(/^ */)[0]}${deeper}`);
      } else if (event.key === "Backspace" && plain && caret && /^( {4})+$/.test(before)) {
        event.preventDefault();
        field.setSelectionRange(field.selectionStart - INDENT.length, field.selectionStart);
        type(field, "");
      }
      leaving = event.key === "Escape" || (leaving && event.key === "Shift");
    });
    field.addEventListener("input", () => grow(field));
    grow(field);
  }

  const grow = (field) => (field.rows = Math.max(2, field.value.split("\n").length));

  // -------------------------------------------------------------------------------- the exercises of this page
  class Block {
    constructor(element) {
      this.element = element;
      this.id = element.dataset.exercise;
      this.check = this.part(".cell:last-of-type");
      this.bar = this.part(".answer");
      this.bar.hidden = false;
      this.field = this.part('[data-role="answer"]');
      if (!this.field) return; // it trains a network: the bar says where that can be done
      this.stub = this.field.value;
      const actions = {
        answer: () => this.open(),
        check: () => this.judge(),
        hint: () => this.run("give_hint", this.id),
        reset: () => this.startOver(),
        undo: () => this.bringBack(),
        export: () => saveFile("course_progress.json", kept.get(PROGRESS) ?? '{\n "version": 1,\n "exercises": {}\n}\n'),
        import: () => this.part('[data-role="file"]').click(),
      };
      for (const button of element.querySelectorAll("[data-action]")) {
        button.addEventListener("click", actions[button.dataset.action]);
      }
      this.part('[data-role="file"]').addEventListener("change", (event) => this.load(event.target));
    }

    part(selector) {
      return this.element.querySelector(selector);
    }

    // A text for those who do not see the card that says the same.
    say(text, seen = true) {
      const place = this.part('[data-role="says"]');
      place.classList.toggle("visually-hidden", !seen);
      place.textContent = text;
    }

    open() {
      this.part('[data-role="closed"]').hidden = true;
      this.part('[data-role="open"]').hidden = false;
      this.part(".cell_input").hidden = true; // the stub stands in the text area now
      this.card()?.remove();
      const { field } = this;
      field.value = kept.get(answerKey(this.id)) ?? this.stub;
      editing(field);
      field.addEventListener("input", () => this.keep());
      field.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey || event.shiftKey)) {
          event.preventDefault();
          this.judge();
        }
      });
      addEventListener("storage", (event) => {
        if (event.key !== PREFIX + answerKey(this.id)) return; // another window wrote: both show the same
        field.value = event.newValue ?? this.stub;
        grow(field);
        this.showChoice();
      });
      for (const choice of this.element.querySelectorAll('input[type="radio"]')) {
        choice.addEventListener("change", () => replaceAll(field, this.stub.replace(/None\b.*/, `"${choice.value}"`)));
      }
      this.showChoice();
      showProgress();
      this.begin();
      start().ready.then(() => python?.worker?.postMessage({ prepare: this.id }), (error) => this.refused(error));
    }

    // The caret goes to what has to be written.
    begin() {
      const { field } = this;
      const place = /raise NotImplementedError|\bNone\b/.exec(field.value);
      (this.part('input[type="radio"]') ?? field).focus();
      if (place) field.setSelectionRange(place.index, place.index + place[0].length);
    }

    keep() {
      kept.set(answerKey(this.id), this.field.value);
      this.showChoice();
    }

    showChoice() {
      const letter = /=\s*["'](\w)["']/.exec(this.field.value)?.[1];
      for (const choice of this.element.querySelectorAll('input[type="radio"]')) choice.checked = choice.value === letter;
    }

    startOver() {
      if (this.field.value === this.stub) return;
      this.before = this.field.value;
      replaceAll(this.field, this.stub);
      delete hints[this.id];
      this.card()?.remove();
      this.show("");
      this.part('[data-action="undo"]').hidden = false;
      this.say(words.startedOver);
      this.begin();
    }

    bringBack() {
      replaceAll(this.field, this.before);
      this.part('[data-action="undo"]').hidden = true;
      this.say("");
    }

    async load(input) {
      try {
        merge(await input.files[0].text());
        this.say(words.loaded);
      } catch {
        this.say(words.noProgress);
      }
      input.value = "";
    }

    judge() {
      const { check, before } = this.element.dataset;
      const request = { id: this.id, answer: this.field.value, call: check, before: JSON.parse(before) };
      return this.run("judge", JSON.stringify({ ...request, imports: settings.imports }));
    }

    async run(name, given) {
      if (Block.busy) return this.say(words.busy);
      Block.busy = true;
      this.card()?.remove();
      try {
        const { html, output } = await ask(this.id, name, given, (text) => this.say(text));
        if (name === "judge") this.show(output);
        this.check.insertAdjacentHTML("beforeend", html);
        const card = this.card();
        if (card) this.say(card.querySelector("b").textContent.trim(), false);
        else this.say(words.ended);
      } catch (error) {
        this.refused(error);
      } finally {
        Block.busy = false;
      }
    }

    refused(error) {
      this.say(words.refused.replace("{why}", error.message.trim().split("\n").pop()));
    }

    // The card of the check, and before it what the reader's own cell showed.
    card() {
      return this.check.querySelector('[role="status"]');
    }

    show(output) {
      const place = this.part('[data-role="output"]');
      place.innerHTML = output;
      for (const card of place.querySelectorAll('[role="status"]')) card.removeAttribute("role"); // the card is another one
    }
  }
  Block.busy = false;
  for (const element of document.querySelectorAll("[data-exercise]")) new Block(element);
  addEventListener("storage", (event) => event.key === PREFIX + PROGRESS && showProgress());
})();
