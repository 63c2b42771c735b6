/** Code within a cell of a table. */
export const code = (text: string): string => {
  const escaped = text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  return escaped.includes('`') ? `\`\` ${escaped} \`\`` : `\`${escaped}\``;
};

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** A page of its title and what follows. */
export const page = (title: string, ...parts: readonly string[]): string =>
  [`# ${title}`, '<!-- Made by `npm run docs` of the tables that parse and bind: change those. -->', ...parts]
    .join('\n\n')
    .concat('\n');
