// A formula or table that is wider than the page scrolls; the keyboard shall reach it, too.
async function reachWhatScrolls() {
  await window.MathJax?.startup?.promise;
  for (const box of document.querySelectorAll("div.math, mjx-container[display], .bd-article table")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
addEventListener("load", reachWhatScrolls);
addEventListener("resize", reachWhatScrolls);
