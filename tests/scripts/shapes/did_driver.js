// -> failed: did_driver.js: there is no function main: write `async function main(data) { ... return data; }`
module.export = {
  search: async function ({ number }) { return [{ did: number }]; },
  allocate: async function ({ did }) { return { did }; },
  list: async function () { return []; },
};
