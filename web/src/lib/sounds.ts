/** The pack station's voice, made by WebAudio so that it needs no file and starts without delay. */
export type Sound = 'tick' | 'done' | 'wrong' | 'siren'

interface Note {
  at: number
  length: number
  from: number
  to: number
  wave: OscillatorType
  volume: number
}

const SCORES: Record<Sound, Note[]> = {
  tick: [{ at: 0, length: 0.07, from: 1320, to: 1320, wave: 'sine', volume: 0.25 }],
  done: [
    { at: 0, length: 0.09, from: 990, to: 990, wave: 'sine', volume: 0.25 },
    { at: 0.1, length: 0.16, from: 1480, to: 1480, wave: 'sine', volume: 0.25 },
  ],
  wrong: [{ at: 0, length: 0.4, from: 170, to: 120, wave: 'sawtooth', volume: 0.35 }],
  siren: Array.from({ length: 4 }, (_, turn) => ({
    at: turn * 0.35,
    length: 0.33,
    from: turn % 2 === 0 ? 620 : 980,
    to: turn % 2 === 0 ? 980 : 620,
    wave: 'square' as const,
    volume: 0.3,
  })),
}

let context: AudioContext | undefined

/** Plays a sound; a device without audio stays silent, the screen says the same. */
export function play(sound: Sound): void {
  if (typeof AudioContext === 'undefined') return
  context ??= new AudioContext()
  if (context.state === 'suspended') void context.resume()
  const start = context.currentTime
  for (const note of SCORES[sound]) {
    const oscillator = context.createOscillator()
    const gain = context.createGain()
    oscillator.type = note.wave
    oscillator.frequency.setValueAtTime(note.from, start + note.at)
    oscillator.frequency.linearRampToValueAtTime(note.to, start + note.at + note.length)
    gain.gain.setValueAtTime(note.volume, start + note.at)
    gain.gain.exponentialRampToValueAtTime(0.001, start + note.at + note.length)
    oscillator.connect(gain).connect(context.destination)
    oscillator.start(start + note.at)
    oscillator.stop(start + note.at + note.length)
  }
}
