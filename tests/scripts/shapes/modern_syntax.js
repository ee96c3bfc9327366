// -> variables {"sum":6,"last":3,"of":{"odd":[1,3],"even":[2]}}
class Counter {
  #n = 0;
  static from(all) { const one = new Counter(); for (const n of all) one.add(n); return one; }
  add(n) { this.#n += n; }
  get sum() { return this.#n; }
}
export async function main(data) {
  const all = [1, 2, 3];
  data.variables.sum = Counter.from(all).sum;
  data.variables.last = all.at(-1) ?? null;
  data.variables.of = Object.groupBy(all, (n) => (n % 2 ? 'odd' : 'even'));
  return data;
}
