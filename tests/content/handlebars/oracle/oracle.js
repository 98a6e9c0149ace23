"use strict";
// Render templates with handlebars.js: a case of {template, data} a line on stdin, {text} or {error} a line on stdout.
//
// The helpers that handlebars.js does not have are written here from SendGrid's documents, and share no code with the
// product.

const Handlebars = require("handlebars").create();

// handlebars.js adds numbers that stand side by side as {{{a}}}{{{b}}} at the begin of a body: 1 and 2 render "3". The
// product renders "12", so this compiler makes a text of each value before it appends it.
const Original = Handlebars.JavaScriptCompiler;
class Compiler extends Original {
  get compiler() {
    return Compiler;
  }
  append() {
    if (!this.isInline()) {
      super.append();
      return;
    }
    this.replaceStack((value) => [' != null ? "" + ', value, ' : ""']);
    this.pushSource(this.appendToBuffer(this.popStack()));
  }
}
Handlebars.JavaScriptCompiler = Compiler;
Handlebars.log = () => {};
Handlebars.logger.log = () => {};

function result(isTrue, context, options) {
  if (!options.fn) return isTrue;
  return isTrue ? options.fn(context) : options.inverse(context);
}

function comparison(compare) {
  return function (...parameters) {
    const options = parameters.pop();
    if (parameters.length === 3) {
      return result(compare(lengthOf(parameters[2]), parameters[0]), this, options);
    }
    return result(compare(parameters[0], parameters[1]), this, options);
  };
}

function lengthOf(value) {
  return typeof value === "string" || Array.isArray(value) ? value.length : 0;
}

const isPresent = (value) => value !== undefined && value !== null && value !== "";

Handlebars.registerHelper({
  equals: comparison((left, right) => left == right),
  notEquals: comparison((left, right) => left != right),
  greaterThan: comparison((left, right) => left > right),
  lessThan: comparison((left, right) => left < right),
  and(...parameters) {
    const options = parameters.pop();
    return result(parameters.every(Boolean), this, options);
  },
  or(...parameters) {
    const options = parameters.pop();
    return result(parameters.some(Boolean), this, options);
  },
  length(value) {
    return lengthOf(value);
  },
  insert(...parameters) {
    const [value, fallback] = parameters.slice(0, -1);
    if (isPresent(value)) return value;
    if (fallback === undefined || fallback === null) return "";
    return `${fallback}`.replace(/^default=/, "");
  },
  formatDate(...parameters) {
    const [value, format, offset] = parameters.slice(0, -1);
    if (!isPresent(value)) return "";
    if (typeof format !== "string") throw new Error("no format");
    return formatted(readTime(value), format, offset);
  },
});

function readTime(value) {
  if (typeof value === "string") {
    const text = value.trim();
    if (/^-?\d{1,16}(\.\d{1,9})?$/.test(text)) return fromEpoch(Number(text));
    const iso = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(:\d\d)?(?:[.,](\d{1,9}))?\s?([Zz]|[+-]\d\d(?::?\d\d)?)?)?$/.exec(text);
    if (!iso) throw new Error("no time");
    const [, day, minute = "00:00", second = ":00", fraction = "0", zone = "Z"] = iso;
    const local = new Date(`${day}T${minute}${second}.${fraction.padEnd(3, "0").slice(0, 3)}Z`);
    if (Number.isNaN(local.getTime()) || local.getUTCDate() !== Number(day.slice(8))) throw new Error("no time");
    return local.getTime() - minutesOf(zone) * 60000;
  }
  if (typeof value === "number") return fromEpoch(value);
  throw new Error("no time");
}

function fromEpoch(number) {
  return Math.abs(number) >= 1e11 ? number : number * 1000;
}

function minutesOf(offset) {
  if (/^(z|utc)$/i.test(offset)) return 0;
  const match = /^([+-])(\d\d):?(\d\d)?$/.exec(offset);
  if (!match) throw new Error("no offset");
  return (Number(match[2]) * 60 + Number(match[3] || 0)) * (match[1] === "-" ? -1 : 1);
}

function offsetAt(time, offset) {
  if (!isPresent(offset)) return 0;
  if (typeof offset === "number") return Math.abs(offset) < 16 ? offset * 60 : offset;
  if (typeof offset !== "string") throw new Error("no offset");
  if (/^([+-]|z$|utc$)/i.test(offset)) return minutesOf(offset);
  const parts = {};
  const zone = new Intl.DateTimeFormat("en-US", {
    timeZone: offset,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  for (const { type, value } of zone.formatToParts(new Date(time))) parts[type] = Number(value);
  const local = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
  return Math.round((local - time) / 60000);
}

function formatted(time, format, offset) {
  const minutes = offsetAt(time, offset);
  const local = new Date(time + minutes * 60000);
  if (Number.isNaN(local.getTime())) throw new Error("no time");
  const name = (style) => local.toLocaleString("en-US", { timeZone: "UTC", ...style });
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  const hours = local.getUTCHours();
  const sign = minutes < 0 ? "-" : "+";
  const zone = (separator) => sign + two(Math.abs(minutes) / 60) + separator + two(Math.abs(minutes) % 60);
  const tokens = {
    YYYY: String(local.getUTCFullYear()).padStart(4, "0"),
    YY: two(local.getUTCFullYear() % 100),
    MMMM: name({ month: "long" }),
    MMM: name({ month: "short" }),
    MM: two(local.getUTCMonth() + 1),
    M: String(local.getUTCMonth() + 1),
    DD: two(local.getUTCDate()),
    D: String(local.getUTCDate()),
    dddd: name({ weekday: "long" }),
    ddd: name({ weekday: "short" }),
    hh: two(hours % 12 || 12),
    h: String(hours % 12 || 12),
    HH: two(hours),
    H: String(hours),
    mm: two(local.getUTCMinutes()),
    m: String(local.getUTCMinutes()),
    ss: two(local.getUTCSeconds()),
    s: String(local.getUTCSeconds()),
    A: hours < 12 ? "AM" : "PM",
    ZZ: zone(""),
    Z: zone(":"),
  };
  const token = /\[([^[\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|dddd|ddd|DD|D|hh|h|HH|H|mm|m|ss|s|A|ZZ|Z/g;
  return format.replace(token, (match, literal) => (literal === undefined ? tokens[match] : literal));
}

function answer(line) {
  const { template, data } = JSON.parse(line);
  try {
    return { text: Handlebars.compile(template)(data).toWellFormed() };
  } catch (error) {
    return { error: String(error.message).split("\n")[0] };
  }
}

const lines = require("fs").readFileSync(0, "utf8").split("\n").filter(Boolean);
process.stdout.write(lines.map((line) => JSON.stringify(answer(line)) + "\n").join(""));
