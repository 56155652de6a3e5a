// Which servers a search means, and in which order they stand. Pure. What can be done once is done when a list
// arrives: a key press looks through ten thousand servers.

const ORDER = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** Append without the stack limit that spreading a long list into `push` has. */
export function add(list, more) {
  for (const one of more) list.push(one);
}

/** Entries for `merged` and `matching`, in their order: the server, and what is searched. */
export function entries(servers) {
  return servers.map(entry).sort(compare);
}

function entry(server) {
  const text = [server.name, server.cloud, server.status, server.task_state ?? "", server.id].join("\n").toLowerCase();
  return { server, text, name: server.name.toLowerCase(), place: `${server.cloud}/${server.name}`.toLowerCase() };
}

/** By name, as people count (web-2 before web-10), then by cloud. */
function compare({ server: a }, { server: b }) {
  return ORDER.compare(a.name, b.name) || ORDER.compare(a.cloud, b.cloud) || (a.id < b.id ? -1 : 1);
}

/** One list of several that are in order: what is in order already costs a sort next to nothing. */
export function merged(lists) {
  return lists.flat().sort(compare);
}

/** The entries in which every word of the query stands: in name, cloud, state or UUID. Best first: see `nearness`. */
export function matching(all, query) {
  const wanted = query.trim().toLowerCase();
  const words = wanted.split(/\s+/).filter(Boolean);
  if (!words.length) return all;
  const near = [[], [], []];
  for (const one of all) {
    if (words.every((word) => one.text.includes(word))) near[nearness(one, wanted, words)].push(one);
  }
  return near.flat();
}

/** 0: it is called so; 1: its name begins so, or with one of the words; 2: all else. */
function nearness({ server, name, place }, wanted, words) {
  if (name === wanted || place === wanted || server.id === wanted) return 0;
  return [wanted, ...words].some((beginning) => name.startsWith(beginning)) ? 1 : 2;
}
