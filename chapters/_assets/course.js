// A formula or table that is wider than the page scrolls; the keyboard shall reach it, too.
async function reachWhatScrolls() {
  await window.MathJax?.startup?.promise;
  const wide = "div.math, mjx-container[display], .bd-article table, .plot, .pst-scrollable-table-container";
  for (const box of document.querySelectorAll(wide)) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
addEventListener("load", reachWhatScrolls);
addEventListener("resize", reachWhatScrolls);

// From disk, browsers show a text instead of saving it. What can be saved lies in a script, too, that calls saveFile.
function saveFromDisk(event) {
  const link = event.target.closest("a[download]");
  if (!link || link.protocol !== "file:") return;
  event.preventDefault();
  const site = new URL(document.documentElement.dataset.content_root, location).href;
  const script = document.createElement("script");
  script.src = `${site}from_disk/${link.href.slice(site.length)}.js`;
  document.head.append(script);
}
function saveFile(name, text) {
  const link = document.createElement("a");
  link.download = name;
  link.href = URL.createObjectURL(new Blob([text]));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
addEventListener("click", saveFromDisk);
