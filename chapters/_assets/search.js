// How the book is searched: which of its parts, sections and entries of the glossary, come first, and what of them is
// shown. tools/sphinx_search.py writes the parts into sections.js. The field, the messages, Stemmer and stopwords are
// Sphinx's, which calls Search.query.
"use strict";

Search.query = (query) => {
  const found = ranked(query, Search._index);
  for (const { part, asked } of found) Search.output.append(result(part, asked));
  _finishSearch(new Set(found.map(({ part }) => part.page)).size);
};

// The theme means to do this, and finds the field of its dialog instead.
addEventListener("DOMContentLoaded", () => document.querySelector(".bd-search-container input").focus());

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

// -- words ------------------------------------------------------------------------------------------------------------

const GREEK = (
  "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau upsilon " +
  "phi chi psi omega"
).split(" ");
const seen = new Map(); // how a word is written -> how it is compared

// The words of a text and where they stand: "learning-rate" is two words, "β₂" is "beta2".
// Chinese has no spaces. A run of it is one word here, and found by any piece of it; the Chinese edition can do better
// here, with Intl.Segmenter.
function words(text) {
  return [...text.matchAll(/\d+\.\d+|[\p{L}\p{N}\p{M}]+/gu)].map(({ 0: written, index }) => {
    if (!seen.has(written)) {
      const word = plain(written);
      seen.set(written, { word, stem: new Stemmer().stemWord(word), isChinese: /\p{Script=Han}/u.test(word) });
    }
    return { ...seen.get(written), start: index, end: index + written.length };
  });
}

// In small letters without accents, Greek ones by their names, and in American spelling.
function plain(word) {
  const letters = word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const latin = letters.replace(/[α-ω]/g, (letter) => GREEK[letter.charCodeAt(0) - "α".charCodeAt(0)]);
  return latin.replace(/is(?=(e[drs]?|ing|ations?)$)/, "iz");
}

// Without those that mean little, unless there are no others.
function meaningful(words) {
  const rest = words.filter(({ word }) => !stopwords.includes(word));
  return rest.length ? rest : words;
}

// From 0 to 1, how much the word at a place is like the one asked for. "warm-up" is "warmup", too.
function likeness(asked, words, place) {
  const { word, stem } = words[place];
  if (stem === asked.stem) return 1;
  if (asked.word.startsWith(word) && asked.word === word + words[place + 1]?.word) return 1;
  const begins = asked.word.length > 2 && word.startsWith(asked.word);
  return begins || (asked.isChinese && word.includes(asked.word)) ? 0.6 : 0;
}
const likest = (asked, words) => Math.max(0, ...words.map((_, place) => likeness(asked, words, place)));

// -- questions --------------------------------------------------------------------------------------------------------

// The ways to ask for the same: as it was typed, in one word, by the other terms of an entry of the glossary, and in
// the words of the book: "lr schedule" is "learning rate schedule", too. A Greek letter and its index are one word.
function waysToAsk(query, { pages, alsoCalled }) {
  const typed = words(query.replace(INDEXED, "$1"));
  const ways = [meaningful(typed), words(typed.map(({ word }) => word).join(""))];
  for (const { terms } of pages.flatMap(({ parts }) => parts))
    if (terms?.some((term) => isCalled(typed, term))) ways.push(...terms.map(words));
  for (const [called, names] of Object.entries(alsoCalled))
    for (let start = 0; start < typed.length; start++)
      for (let end = start + 1; end <= Math.min(typed.length, start + LONGEST_NAME); end++)
        if (names.some((name) => isCalled(typed.slice(start, end), name)))
          ways.push(meaningful([...typed.slice(0, start), ...words(called), ...typed.slice(end)]));
  return ways.filter((way) => way.length);
}
const INDEXED = new RegExp(`(${GREEK.join("|")}|[α-ω])[ _](?=\\d)`, "giu");
const LONGEST_NAME = 3; // words
const inOne = (words) => words.map(({ stem }) => stem).join("");
const isCalled = (asked, name) => inOne(asked) === inOne(words(name));

// A long word that is nowhere may be misspelt at its end.
const withoutEndings = (asked) => asked.map((one) => (one.word.length < 7 ? one : words(one.word.slice(0, -2))[0]));

// -- the order --------------------------------------------------------------------------------------------------------

const MOST_OF_A_PAGE = 3;

// Solutions come after everything else.
function ranked(query, index) {
  const parts = readParts(index);
  const ways = waysToAsk(query, index);
  const found = answers(ways, parts);
  const order = found.length ? found : answers(ways.slice(0, 1).map(withoutEndings), parts);
  const isSolution = ({ part }) => part.rank === 2;
  order.sort((a, b) => isSolution(a) - isSolution(b) || b.score - a.score);
  const shown = {};
  return order.filter(({ part: { page } }) => (shown[page] = (shown[page] ?? 0) + 1) <= MOST_OF_A_PAGE);
}

// Every part with its page and the words of its title, of those above it, of its text and of its code. What many
// titles begin with, as "Exercise" or "Summary", says of which kind they are and not what they are about: it counts as
// if it stood above them.
function readParts({ pages }) {
  const all = pages.flatMap(({ page, rank, parts }) => parts.map((part) => ({ ...part, page, rank, first: parts[0] })));
  const begins = all.map(({ title }) => title.replace(/^[\d.]+ /, "").split(":")[0]);
  const titles = [];
  return all.map((part, k) => {
    const isKind = part.depth > 1 && begins.filter((begin) => begin === begins[k]).length > MANY;
    titles.length = part.depth - 1;
    const above = words([...titles, isKind ? begins[k] : ""].join(" "));
    titles.push(part.title);
    const title = words(part.title.replace(/^[\d.]+ /, "").slice(isKind ? begins[k].length : 0));
    const topic = isKind ? [] : meaningful(words(begins[k]));
    return {
      ...part,
      pageTitle: part.first.title,
      address: part === part.first ? part.page : part.page + part.anchor,
      words: { title, topic, above, text: words(part.text), code: words(part.code) },
    };
  });
}
const MANY = 3;

// The parts that answer a question in one of the ways to ask it, each with the way that suits it best.
function answers(ways, parts) {
  const found = new Map();
  ways.forEach((asked, other) => {
    scores(asked, parts).forEach((score, k) => {
      const weighed = score * (other ? 0.9 : 1) * (parts[k].rank ? 0.75 : 1);
      if (weighed > (found.get(k)?.score ?? 0)) found.set(k, { part: parts[k], asked, score: weighed });
    });
  });
  return [...found.values()];
}

// How well each part answers; 0 if not all words are on its page. A rare word counts more than a common one, and a part
// that has only some of the words, less. One that explains what was asked for is preferred.
function scores(asked, parts) {
  const hits = asked.map((one) => moreWhereItIsNew(parts.map((part) => hit(one, part.words)), parts));
  const share = explained(asked, parts);
  const rarity = hits.map((row) => Math.log(1 + parts.length / row.filter(Boolean).length));
  const pages = hits.map((row) => new Set(parts.filter((_, k) => row[k]).map(({ page }) => page)));
  return parts.map((part, k) => {
    if (!hits.some((row) => row[k]) || !pages.every((having) => having.has(part.page))) return 0;
    const here = hits.filter((row) => row[k]).length / asked.length;
    const score = sum(hits.map((row, j) => row[k] * rarity[j])) / sum(rarity) + named(asked, part);
    return here * score * (1 + (share.get(part.address) ?? 0));
  });
}

// A word, or a symbol, is explained where the chapters have it first.
function moreWhereItIsNew(row, parts) {
  const first = row.findIndex((hit, k) => hit >= 1 && parts[k].rank === 0);
  return row.map((hit, k) => (k === first ? hit + 1 : hit));
}

// Where the glossary says that a term is explained, and how much of the term was asked for.
function explained(asked, parts) {
  const share = new Map();
  for (const { terms, explained } of parts.filter(({ terms }) => terms)) {
    const all = terms.map(words).filter((term) => asked.every((one) => likest(one, term)));
    const most = Math.max(0, ...all.map((term) => asked.length / term.length));
    for (const address of explained) share.set(address, Math.max(most, share.get(address) ?? 0));
  }
  return share;
}

// What one word counts: most in the title, less in those above, and in the text the more the oftener it is there.
function hit(one, { title, above, text, code }) {
  const often = sum(text.map((_, place) => likeness(one, text, place)));
  return 6 * likest(one, title) + 2 * likest(one, above) + (3 * often) / (often + 2) + 0.3 * likest(one, code);
}

// What a part gains by being about what was asked for, the more the higher it stands and the less else its title says
// before a colon: in "Xavier: keep …" it is Xavier, in "Exercise: write Xavier" nothing is.
function named(asked, { depth, words: { title, topic, above } }) {
  const inTitle = asked.filter((one) => likest(one, title));
  if (!inTitle.length || asked.some((one) => !inTitle.includes(one) && !likest(one, above))) return 0;
  const meant = topic.map((_, place) => Math.max(...asked.map((one) => likeness(one, topic, place))));
  return (6 * sum(meant)) / (topic.length || 1) + 6 / depth;
}

// -- what is shown ----------------------------------------------------------------------------------------------------

const LENGTH = 240; // of an excerpt, in characters

function result(part, asked) {
  const item = document.createElement("li");
  const link = item.appendChild(document.createElement("a"));
  const site = document.documentElement.dataset.content_root;
  link.href = site + part.page + DOCUMENTATION_OPTIONS.LINK_SUFFIX + part.anchor;
  link.textContent = part.depth > 1 ? `${part.title} — ${part.pageTitle}` : part.title;
  if (part.text) item.append(excerpt(part.text, part.words.text, asked));
  return item;
}

// Some lines of a text from where the words asked for stand closest together, with these words marked.
function excerpt(text, words, asked) {
  const marked = words.filter((_, place) => asked.some((one) => likeness(one, words, place)));
  const from = marked.length ? beginning(text, closest(marked, asked).start) : 0;
  const until = text.length - from > LENGTH ? text.lastIndexOf(" ", from + LENGTH) : text.length;
  const lines = document.createElement("p");
  lines.className = "context";
  lines.append(from ? "… " : "");
  let place = from;
  for (const { start, end } of marked.filter(({ start, end }) => start >= from && end <= until)) {
    const mark = document.createElement("span");
    mark.className = "highlighted";
    mark.textContent = text.slice(start, end);
    lines.append(text.slice(place, start), mark);
    place = end;
  }
  lines.append(text.slice(place, until), until < text.length ? " …" : "");
  return lines;
}

// The marked word after which most of the words asked for follow soonest.
function closest(marked, asked) {
  const nearness = ({ start }) => {
    const near = marked.filter((word) => word.start >= start && word.start < start + LENGTH);
    const weight = (one) => near.map((word, k) => likeness(one, near, k) * (start + LENGTH - word.start));
    return sum(asked.map((one) => Math.max(...weight(one))));
  };
  return marked.reduce((best, word) => (nearness(word) > nearness(best) ? word : best));
}

// Where the sentence of a place begins; if that is far, a word some way before.
function beginning(text, place) {
  const sentence = Math.max(...[". ", "? ", "! ", ": "].map((end) => text.lastIndexOf(end, place - 2)));
  const start = sentence < 0 ? 0 : sentence + 2;
  return place - start <= 100 ? start : text.indexOf(" ", place - 60) + 1;
}
