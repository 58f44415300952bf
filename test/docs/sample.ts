// What the tests of the documents quote and run.

// #region greeting
const [name = "you"] = process.argv.slice(2);
// #endregion

if (name) {
  // #region indented
  console.log(`hello ${name}`);
  // #endregion
}
