// Which servers a search means, and in which order they stand. Pure.

const ORDER = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** Append without the stack limit that spreading a long list into `push` has. */
export function add(list, more) {
  for (const one of more) list.push(one);
}

/** By name, as people count (web-2 before web-10), then by cloud. */
export function sorted(servers) {
  return servers.toSorted((a, b) => ORDER.compare(a.name, b.name) || ORDER.compare(a.cloud, b.cloud) || (a.id < b.id ? -1 : 1));
}

/** The servers in which every word of the query stands: in name, cloud, state or UUID. Best first: see `nearness`. */
export function matching(servers, query) {
  const wanted = query.trim().toLowerCase();
  const words = wanted.split(/\s+/).filter(Boolean);
  if (!words.length) return servers;
  const found = servers.filter((server) => {
    const text = [server.name, server.cloud, server.status, server.task_state ?? "", server.id].join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return found
    .map((server) => [nearness(server, wanted), server])
    .sort(([one], [other]) => one - other)
    .map(([, server]) => server);
}

/** 0: it is called so; 1: its name begins so; 2: all else. */
function nearness(server, wanted) {
  const name = server.name.toLowerCase();
  if (name === wanted || `${server.cloud}/${name}`.toLowerCase() === wanted || server.id === wanted) return 0;
  return name.startsWith(wanted) ? 1 : 2;
}
