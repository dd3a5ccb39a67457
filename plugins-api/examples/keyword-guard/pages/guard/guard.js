// The page runs in a frame without rights of its own: it asks through the bridge.
const state = document.querySelector('#state');
const table = document.querySelector('table');

function row(word, count) {
  const line = document.createElement('tr');
  for (const text of [word, count]) {
    line.appendChild(document.createElement('td')).textContent = text;
  }
  return line;
}

async function read() {
  try {
    const { counts } = await window.FirstlightPluginPage.apiGet('counts');
    const words = Object.entries(counts).sort((a, b) => b[1] - a[1]);
    table.querySelector('tbody').replaceChildren(...words.map(([word, count]) => row(word, count)));
    table.hidden = words.length === 0;
    state.textContent = words.length === 0 ? 'No word was found yet.' : '';
  } catch (error) {
    state.textContent = `The counts could not be read: ${error.message}`;
  }
}

document.querySelector('button').addEventListener('click', read);
read();
