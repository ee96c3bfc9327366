// -> variables {"country":"GB"}
const table = new Map([['1', 'US'], ['44', 'GB'], ['441', 'GB']]);
function main(data) {
  const { cli } = data.routing;
  for (let length = 3; length > 0; length--) {
    const country = table.get(cli.slice(0, length));
    if (country) { data.variables.country = country; break; }
  }
  return data;
}
