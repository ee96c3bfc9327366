// -> failed: programmable_voice.js:3:13: ctx.answer is not available here: a script does not hold the call;
async function main(data, ctx) {
  await ctx.answer();
  const { status, value } = await ctx.ivr('user/calling_card.wav', 20, 10, 15);
  if (status === 'success') await ctx.bridge(value, false, true);
}
