// -> app other
const axios = require('axios');
async function main(data) {
  try {
    await axios.get('/nowhere', { baseURL: data.vars.service, params: { a: 1, b: undefined } });
  } catch (error) {
    if (error.response?.status === 404) data.did.app = 'other';
  }
  return data;
}
