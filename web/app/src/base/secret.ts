// The text of a token between the server's answer and the end of the Success dialog. It is held here
// and nowhere in React's state or properties; after forget() nothing holds it.

export class Secret {
  #text: string | null;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text ?? "";
  }

  forget(): void {
    this.#text = null;
  }

  toJSON(): string {
    return "[secret]";
  }

  toString(): string {
    return "[secret]";
  }
}
