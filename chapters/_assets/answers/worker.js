// Python for the exercises of a page, in a worker: it may be ended at any time without harm to the page.
// In:  {boot: {core, hashes, lock, course, chapters, files}} once, then {prepare: id} and {task: {id, name, arguments}}.
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

async function boot({ core, hashes, lock, course, chapters, files }) {
  checkOrServe(hashes, files ?? {});
  const script = async (name) => URL.createObjectURL(new Blob([await load(core + name)], { type: "text/javascript" }));
  const scripts = Promise.all([script("pyodide.js"), script("pyodide.asm.js")]);
  const compiled = keptOf(course);
  const archive = load(course);
  const wheel = load(lock).then((content) => {
    const { file_name } = JSON.parse(new TextDecoder().decode(content)).packages.numpy;
    return load(core + file_name);
  });
  for (const coming of [archive, wheel]) coming.catch(() => {}); // is awaited below: until then it is no unhandled one
  importScripts(...(await scripts));
  const silent = () => {}; // what escapes a check is for nobody
  const options = { indexURL: core, lockFileURL: lock, stdout: silent, stderr: silent, env: { COURSE_CHAPTERS: chapters } };
  const fsInit = async (FS) => {
    FS.mkdirTree(SITE_PACKAGES);
    FS.writeFile(`${SITE_PACKAGES}/sitecustomize.py`, COMPILE_ONCE);
    FS.writeFile("/compiled", new Uint8Array(await compiled));
  };
  const pyodide = await loadPyodide({ ...options, fsInit });
  // loadPackage would also compile the many parts of NumPy that nobody asks for.
  pyodide.unpackArchive(await wheel, "wheel", { extractDir: SITE_PACKAGES });
  pyodide.unpackArchive(await archive, "zip", { extractDir: "/course" });
  pyodide.runPython("import sys; sys.path.insert(0, '/course')");
  python = pyodide.pyimport("course_lib.exercises.on_page");
  const fresh = pyodide.runPython("import sitecustomize; sitecustomize.finish()")?.toJs();
  if (fresh) keep(course, fresh);
  pyodide.setInterruptBuffer(clock);
  python.begin(alarm);
}

async function load(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response.arrayBuffer();
}

const fromHex = (digits) => btoa(digits.replace(/../g, (pair) => String.fromCharCode(parseInt(pair, 16))));

// Most of a start is compiling .py files. What came of it is kept for the next one, where the browser keeps anything;
// the address of the course's files changes with all that it depends on.
const SITE_PACKAGES = "/lib/python3.12/site-packages";
const COMPILE_ONCE = `
import builtins, marshal

really_compile, fresh = builtins.compile, False
try:
    with open("/compiled", "rb") as file:
        compiled = dict(marshal.load(file))
except (EOFError, TypeError, ValueError):
    compiled = {}


def compile(source, filename, mode, *rest, **options):
    global fresh
    if mode != "exec" or not str(filename).startswith(("/lib/", "/course/")):
        return really_compile(source, filename, mode, *rest, **options)
    if filename not in compiled:
        compiled[filename] = really_compile(source, filename, mode, *rest, **options)
        fresh = True
    return compiled[filename]


def finish():
    """Go out of the way; return what is to be kept, None if all of it is."""
    builtins.compile = really_compile
    return marshal.dumps(compiled) if fresh else None


builtins.compile = compile
`;

const STORE = "learning-rates-course:python";

async function keptOf(address) {
  try {
    const found = await (await caches.open(STORE)).match(address);
    return await found.arrayBuffer();
  } catch {
    return new ArrayBuffer(0);
  }
}

async function keep(address, content) {
  try {
    await caches.delete(STORE); // that of earlier versions
    await (await caches.open(STORE)).put(address, new Response(content));
  } catch { /* a browser that keeps nothing, or a page opened from disk */ }
}

// Of Pyodide's files only those are taken whose hashes are known. Where the page was opened from disk nothing can be
// fetched: all files came with the message.
function checkOrServe(hashes, files) {
  const plain = self.fetch;
  self.fetch = (address, options) => {
    const name = String(address).split("/").pop().split("?")[0];
    if (files[name]) {
      const type = name.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
      return Promise.resolve(new Response(files[name], { headers: { "Content-Type": type } }));
    }
    if (!hashes[name]) return plain(address, options);
    const coming = plain(address, { ...options, integrity: `sha256-${fromHex(hashes[name])}` });
    coming.then(
      ({ ok, status }) => ok || postMessage({ refused: `${name}: ${status}` }), // Pyodide does not tell of all
      (error) => postMessage({ refused: `${name}: ${error.message}` }),
    );
    return coming;
  };
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
