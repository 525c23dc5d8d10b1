// Python for the exercises of a page, in a worker: it may be ended at any time without harm to the page.
// In:  {boot: {core, numpy, lock, course, files}} once, then {prepare: id} and {task: {id, name, arguments}}.
// Out: {ready}, {refused: why}, {watch: seconds, cards} while an answer may run, {done, worn} or {failed: why}.
let python;
let cards;

// An answer is interrupted from within: Python looks here from time to time, as it would for Ctrl+C.
const SIGINT = 2;
const clock = {
  deadline: Infinity,
  fired: false,
  get 0() {
    const now = performance.now();
    if (now < this.deadline) return 0;
    this.deadline = now + (this.fired ? 1 : 200); // the next ones are for code that swallowed this one
    this.fired = true;
    return SIGINT;
  },
  set 0(_) {}, // Python clears what it has read
};

function alarm(seconds) {
  clock.deadline = seconds ? performance.now() + 1000 * seconds : Infinity;
  postMessage({ watch: seconds ?? null, cards });
}

async function boot({ core, numpy, lock, course, files }) {
  const script = serveFrom(files ?? {}, core);
  const archive = fetch(course).then((response) => {
    if (!response.ok) throw new Error(`${course}: ${response.status}`);
    return response.arrayBuffer();
  });
  archive.catch(() => {}); // is awaited below: until then it is no unhandled one
  fetch(core + numpy).catch(() => {}); // Pyodide asks for it late; it will be in the browser's cache then
  importScripts(script("pyodide.js"), script("pyodide.asm.js"));
  const silent = () => {}; // what escapes a check is for nobody
  const pyodide = await loadPyodide({ indexURL: core, lockFileURL: lock, stdout: silent, stderr: silent });
  const problems = [];
  await pyodide.loadPackage("numpy", { messageCallback: silent, errorCallback: (text) => problems.push(text) });
  if (problems.length) throw new Error(problems.join(" "));
  pyodide.unpackArchive(await archive, "zip", { extractDir: "/course" });
  pyodide.runPython("import sys; sys.path.insert(0, '/course')");
  python = pyodide.pyimport("course_lib.exercises.on_page");
  pyodide.setInterruptBuffer(clock);
  python.begin(alarm);
}

// Where the page was opened from disk its files cannot be fetched: they came with the message.
function serveFrom(files, core) {
  const name = (address) => String(address).split("/").pop().split("?")[0];
  const plain = self.fetch;
  self.fetch = (address, options) => {
    const bytes = files[name(address)];
    if (!bytes) return plain(address, options);
    const type = name(address).endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
    return Promise.resolve(new Response(bytes, { headers: { "Content-Type": type } }));
  };
  return (file) => (files[file] ? URL.createObjectURL(new Blob([files[file]], { type: "text/javascript" })) : core + file);
}

function run({ id, name, arguments: given }) {
  cards = JSON.parse(python.last_words(id));
  clock.fired = false;
  postMessage({ watch: null, cards });
  const done = JSON.parse(python[name](...given));
  postMessage({ done, worn: clock.fired });
}

onmessage = async ({ data }) => {
  if (data.boot) {
    try {
      await boot(data.boot);
      postMessage({ ready: true });
    } catch (error) {
      postMessage({ refused: error.message ?? String(error) });
    }
  } else if (data.prepare) {
    python.prepare(data.prepare);
  } else {
    try {
      run(data.task);
    } catch (error) {
      postMessage({ failed: String(error) });
    }
  }
};
