// Objects without the properties that are undefined: exactOptionalPropertyTypes tells absent from undefined.

type Present<T> = { readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  readonly [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

export function present<T extends object>(object: T): Present<T> {
  return Object.fromEntries(Object.entries(object).filter(([, v]) => v !== undefined)) as Present<T>;
}
