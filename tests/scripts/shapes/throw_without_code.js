// -> failed: throw_without_code.js:3:38: no way to this number
async function main(data) {
  if (!data.routing.route) throw new Error('no way to this number');
  return data;
}
