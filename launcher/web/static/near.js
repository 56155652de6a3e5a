// Which servers a person may have meant who named one that is not there. Pure.

export const NEAR = 5; // servers that are named
const APART = 3; // one letter wrong in so many still reads alike

/** The first few whose names hold the word, else those that read alike. */
export function near(word, servers) {
  const wanted = word.toLowerCase();
  const holding = servers.filter((server) => server.name.toLowerCase().includes(wanted));
  if (holding.length) return holding.slice(0, NEAR);
  const most = Math.floor(wanted.length / APART);
  return servers
    .filter((server) => Math.abs(server.name.length - wanted.length) <= most)
    .map((server) => ({ server, apart: distance(wanted, server.name.toLowerCase()) }))
    .filter(({ apart }) => apart <= most)
    .sort((one, other) => one.apart - other.apart)
    .slice(0, NEAR)
    .map(({ server }) => server);
}

/** How many letters must be changed, added or left out to make one text of the other; two changed places count as one. */
function distance(one, other) {
  let [before, above] = [[], Array.from({ length: other.length + 1 }, (_, place) => place)];
  for (let i = 1; i <= one.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const same = one[i - 1] === other[j - 1];
      row[j] = Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      if (swapped) row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    [before, above] = [above, row];
  }
  return above[other.length];
}
