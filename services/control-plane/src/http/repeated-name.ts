/** A member that stands twice in one object of a JSON text, and the index of its second name; the text must be JSON. */
export function repeatedName(text: string): { readonly name: string; readonly index: number } | undefined {
  /** The names of each object that is open; undefined for an array. */
  const open: (Set<string> | undefined)[] = [];
  let before = '';
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === '"') {
      const end = endOfString(text, i);
      const names = before === '{' || before === ',' ? open.at(-1) : undefined;
      if (names) {
        const name = String(JSON.parse(text.slice(i, end + 1)));
        if (names.has(name)) return { name, index: i };
        names.add(name);
      }
      i = end;
    } else if (char === '{') open.push(new Set());
    else if (char === '[') open.push(undefined);
    else if (char === '}' || char === ']') open.pop();
    if (!/\s/.test(char)) before = char;
  }
  return undefined;
}

/** Index of the quotation mark that ends the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  let end = start + 1;
  while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  return end;
}
