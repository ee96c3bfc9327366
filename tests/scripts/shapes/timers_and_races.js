// -> variables {"first":"quick"}
const wait = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));
async function main(data) {
  const timer = setInterval(() => console.debug('tick'), 1);
  data.variables.first = await Promise.race([wait(2000, 'slow'), wait(2, 'quick')]);
  clearInterval(timer);
  return data;
}
