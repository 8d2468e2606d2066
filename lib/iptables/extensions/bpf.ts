// -m bpf (linux/netfilter/xt_bpf.h, struct xt_bpf_info and xt_bpf_info_v1; libxt_bpf.c).
import { match, type OptionsOf, option, type Value, ValueError } from './codec.ts';
import { endedText, exclusive } from './option-values.ts';
import type { Struct } from './struct.ts';
import { name } from './values.ts';

/** XT_BPF_MAX_NUM_INSTR; an instruction is __u16 code; __u8 jt, jf; __u32 k. */
const INSTRUCTIONS = 64;
const INSTRUCTION_SIZE = 8;
const PROGRAM_SIZE = INSTRUCTIONS * INSTRUCTION_SIZE;
type Instruction = readonly [code: number, jt: number, jf: number, k: number];
const limits: Instruction = [0xffff, 0xff, 0xff, 0xffffffff];

/** `count,code jt jf k,…` in decimal, as `tcpdump -ddd` prints it; a comma at the end says nothing. */
function programOf(text: string): readonly Instruction[] {
  const comma = text.indexOf(',');
  const count = /^\s*([0-9]+)$/.exec(comma < 0 ? '' : text.slice(0, comma))?.[1];
  if (count === undefined) throw new ValueError('error parsing program length');
  if (Number(count) === 0) throw new ValueError('illegal zero length program');
  if (Number(count) > INSTRUCTIONS) throw new ValueError(`number of instructions exceeds maximum (${INSTRUCTIONS})`);
  const parts = text.slice(comma + 1).split(',');
  if (parts[parts.length - 1]?.trim() === '') parts.pop();
  const program = parts.map((part, i) => {
    const numbers = part.trim().split(/\s+/);
    if (numbers.length !== limits.length || !numbers.every((n, at) => /^[0-9]+$/.test(n) && Number(n) <= (limits[at] as number)))
      throw new ValueError(`error at instr ${i}: "${part}"`);
    return numbers.map(Number) as unknown as Instruction;
  });
  if (program.length !== Number(count)) throw new ValueError(`${program.length} instructions differ from the program length ${count}`);
  return program;
}
function textOf(program: readonly Instruction[]): string {
  return `${program.length},${program.map((instruction) => instruction.join(' ')).join(',')}`;
}
const bytecode: Value<string> = {
  parse: ([word]) => textOf(programOf(word as string)),
  format: (v) => [v],
  quote: 'always',
};

const options = { bytecode: option(bytecode), 'object-pinned': option(name(PROGRAM_SIZE - 1)) } as const;
type Options = OptionsOf<typeof options>;

function writeProgram(o: Options, s: Struct, countAt: number, at: number): void {
  if (o.bytecode === undefined) return;
  const program = programOf(o.bytecode);
  s.setU16(countAt, program.length);
  for (const [i, [code, jt, jf, k]] of program.entries()) {
    const place = at + INSTRUCTION_SIZE * i;
    s.setU16(place, code);
    s.setU8(place + 2, jt);
    s.setU8(place + 3, jf);
    s.setU32(place + 4, k);
  }
}
function readProgram(s: Struct, count: number, at: number): Options {
  if (count === 0 || count > INSTRUCTIONS) throw new ValueError(`a program of ${count} instructions`);
  const program = Array.from({ length: count }, (_, i): Instruction => {
    const place = at + INSTRUCTION_SIZE * i;
    return [s.u16(place), s.u8(place + 2), s.u8(place + 3), s.u32(place + 4)];
  });
  return { bytecode: textOf(program) };
}

/** enum xt_bpf_modes; a program of XT_BPF_MODE_FD_ELF is known by a descriptor of the process that loaded it only. */
const MODE_BYTECODE = 0;
const MODE_PINNED = 1;

export const bpf = match('bpf', {
  options,
  revisions: [
    {
      // __u16 bpf_program_num_elem; struct sock_filter bpf_program[64]; then the kernel's own pointer
      revision: 0,
      size: 528,
      kernelPrivate: [[520, 528]],
      can: (o) => o.objectPinned === undefined,
      write: (o, s) => writeProgram(o, s, 0, 4),
      read: (s) => readProgram(s, s.u16(0), 4),
    },
    {
      // __u16 mode, bpf_program_num_elem; __s32 fd; union { bpf_program[64]; char path[512] }; then the kernel's own pointer.
      // The kernel opens the path itself: the descriptor is of the process that wrote it.
      revision: 1,
      size: 528,
      kernelPrivate: [
        [4, 8],
        [520, 528],
      ],
      write: (o, s) => {
        s.setU16(0, o.objectPinned === undefined ? MODE_BYTECODE : MODE_PINNED);
        if (o.objectPinned !== undefined) s.setText(8, PROGRAM_SIZE, o.objectPinned);
        writeProgram(o, s, 2, 8);
      },
      read: (s) => {
        const mode = s.u16(0);
        if (mode === MODE_BYTECODE) return readProgram(s, s.u16(2), 8);
        if (mode !== MODE_PINNED) throw new ValueError(`no option stands for mode ${mode}`);
        return { objectPinned: endedText(s, 8, PROGRAM_SIZE) };
      },
    },
  ],
  finish: (o) => {
    exclusive(o, 'bytecode', 'objectPinned');
    if (o.bytecode === undefined && o.objectPinned === undefined) throw new ValueError('one of --bytecode or --object-pinned is required');
    return o;
  },
  // No blank before it; the real program prints the NUL that ends its bytecode.
  list: (o) => `match bpf ${o.bytecode === undefined ? `pinned ${o.objectPinned}` : `${o.bytecode.slice(o.bytecode.indexOf(',') + 1)}\0`}`,
});
