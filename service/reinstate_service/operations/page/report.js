"use strict";
// Tables that can be searched, sorted and paged. Names come from a backup: they are only ever
// put into text nodes.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const PAGE = 50, PRINTED = 500;
  const number = new Intl.NumberFormat("en");
  const scores = ["perfect", "good", "investigate", "poor"];
  const unprintable =
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
  const address = place => place < 0 ? "-" : data.accounts[place][0];
  const size = bytes => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    for (; bytes >= 1024 && unit < units.length - 1; unit += 1) bytes /= 1024;
    return `${unit ? bytes.toFixed(1) : bytes} ${units[unit]}`;
  };
  const plain = title => ({title, show: String});
  const account = {title: "account", show: address};
  const count = title => ({title, show: value => number.format(value), numeric: true});
  const bytes = {title: "size", show: size, numeric: true};
  const score = {title: "score", show: String, key: value => scores.indexOf(value), graded: true};
  const columns = {
    accounts: [plain("account"), plain("state"), score, count("items"), count("restored"),
      count("skipped"), count("failed"), count("in doubt"), bytes, plain("reason")],
    folders: [account, plain("folder"), plain("in the backup"), plain("why there"),
      count("restored"), count("skipped"), count("failed"), count("in doubt"), bytes],
    failures: [account, plain("what"), plain("folder"), plain("failure"), plain("reason"),
      count("event")],
    filters: [account, plain("script"), count("line"), plain("before"), plain("after")],
    findings: [account, plain("kind"), plain("what"), plain("name"), plain("folder"),
      plain("detail")],
  };

  const made = (name, attributes = {}, text = "") => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
  };

  class Table {
    constructor(section, rows, shown) {
      this.rows = rows;
      this.shown = shown;
      this.found = rows;
      this.page = 0;
      this.length = PAGE;
      this.sorted = -1;
      this.descending = false;
      this.build(section);
      this.draw();
    }

    build(section) {
      const heading = section.querySelector("h2").textContent;
      this.input = made("input", {type: "search", placeholder: "Search",
        "aria-label": `Search in: ${heading}`});
      this.previous = made("button", {type: "button"}, "Previous");
      this.next = made("button", {type: "button"}, "Next");
      this.status = made("span", {role: "status"});
      const controls = made("div", {class: "controls"});
      controls.append(this.input, this.previous, this.next, this.status);
      const row = made("tr");
      this.headings = this.shown.map((column, place) => {
        const cell = made("th", {scope: "col", "aria-sort": "none"});
        if (column.numeric) cell.className = "number";
        const button = made("button", {type: "button"}, column.title);
        button.addEventListener("click", () => this.sort(place));
        cell.append(button);
        row.append(cell);
        return cell;
      });
      const table = made("table"), head = made("thead"), scroll = made("div", {class: "scroll"});
      this.body = made("tbody");
      head.append(row);
      table.append(head, this.body);
      scroll.append(table);
      section.append(controls, scroll);
      this.input.addEventListener("input", () => this.search());
      this.previous.addEventListener("click", () => this.turn(-1));
      this.next.addEventListener("click", () => this.turn(1));
    }

    text(row) {
      return this.shown.map((column, place) => column.show(row[place])).join("\n").toLowerCase();
    }

    search() {
      this.texts ??= this.rows.map(row => this.text(row));
      const words = this.input.value.toLowerCase().split(/\s+/).filter(Boolean);
      this.found = this.rows.filter((_, place) =>
        words.every(word => this.texts[place].includes(word)));
      this.page = 0;
      this.order();
      this.draw();
    }

    sort(place) {
      this.descending = this.sorted === place && !this.descending;
      this.sorted = place;
      this.page = 0;
      this.order();
      this.headings.forEach((cell, other) => cell.setAttribute("aria-sort",
        other !== place ? "none" : this.descending ? "descending" : "ascending"));
      this.draw();
    }

    order() {
      if (this.sorted < 0) return;
      const place = this.sorted, {numeric, key, show} = this.shown[place];
      const of = row => key ? key(row[place]) : numeric ? row[place] : show(row[place]);
      const compare = numeric || key ? (one, other) => one - other
        : new Intl.Collator("en", {numeric: true}).compare;
      const keyed = this.found.map(row => [of(row), row]);
      keyed.sort(([one], [other]) => this.descending ? compare(other, one) : compare(one, other));
      this.found = keyed.map(([, row]) => row);
    }

    turn(pages) {
      this.page += pages;
      this.draw();
    }

    draw() {
      const start = this.page * this.length, end = start + this.length;
      this.body.replaceChildren(...this.found.slice(start, end).map(row => this.drawn(row)));
      const all = this.found.length;
      this.previous.disabled = start <= 0;
      this.next.disabled = end >= all;
      this.status.textContent = all
        ? `${number.format(start + 1)}–${number.format(Math.min(end, all))} of ${number.format(all)}`
        : "none";
    }

    drawn(row) {
      const line = made("tr");
      this.shown.forEach((column, place) => {
        const text = column.show(row[place]).replace(unprintable, "\ufffd");
        const cell = made("td", column.numeric ? {class: "number"} : {}, column.graded ? "" : text);
        if (column.graded) {
          cell.append(made("span", {class: scores.includes(text) ? `score ${text}` : ""}, text));
        }
        line.append(cell);
      });
      return line;
    }

    resize(length) {
      this.page = Math.floor(this.page * this.length / length);
      this.length = length;
      this.draw();
    }
  }

  const tables = [];
  for (const [name, shown] of Object.entries(columns)) {
    const section = document.getElementById(name);
    if (data[name].length) tables.push(new Table(section, data[name], shown));
    else section.append(made("p", {}, "None."));
  }
  addEventListener("beforeprint", () => tables.forEach(table => table.resize(PRINTED)));
  addEventListener("afterprint", () => tables.forEach(table => table.resize(PAGE)));
})();
