/** Contract: the only way a data plane reaches the bytes of data files. */

export interface OutputFile {
  /** The final location. */
  readonly location: string
  /** Where to write, on this machine; hidden from readers until `commit`. */
  readonly localPath: string
  /** Makes the file durable and visible under its location; answers its size in bytes. */
  commit(): Promise<{ readonly size: number }>
  /** Removes what was written. Idempotent; does nothing after a commit. */
  abort(): Promise<void>
  /**
   * Removes the file wherever it has got to, committed or not: for a write of several files that
   * fails when some of them are in place already. Idempotent.
   */
  discard(): Promise<void>
}

/** A data file that an engine may read, until it is released. */
export interface InputFile {
  readonly localPath: string
  /**
   * Rows [first, last] of the file that may be read, when only some row groups are present
   * locally; absent when the whole file is.
   */
  readonly rowRanges?: readonly { readonly first: number; readonly last: number }[]
  release(): Promise<void>
}

/** How an engine reaches data files, wherever they are. */
export interface FileAccess {
  /**
   * How many outputs to commit at the same time; 8 when absent. An object store wants few uploads; a
   * disk wants many, since one write of its journal makes all of them durable that wait for it.
   */
  readonly commitsAtOnce?: number
  output(location: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<OutputFile>
  /**
   * An output whose bytes are a finished file in a scratch folder of this access: `commit` takes it
   * from there, and it is gone afterwards. Absent: it is moved to where an output is written.
   */
  adopt?(
    localPath: string,
    location: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<OutputFile>
  input(
    file: { readonly location: string; readonly size?: number },
    options?: { readonly columns?: readonly string[]; readonly signal?: AbortSignal | undefined },
  ): Promise<InputFile>
  /**
   * A new empty private folder. With `beside`, the location of a folder of outputs, it is for files
   * that become some of these: on the disk where they end, if that is one of this machine's.
   */
  scratch(options?: {
    readonly beside?: string | undefined
  }): Promise<{ readonly path: string; remove(): Promise<void> }>
  /**
   * Puts a copy of a file on this machine under a new location; the file stays. Answers its size in
   * bytes. Absent where data files cannot be brought in from elsewhere.
   */
  copyIn?(
    localPath: string,
    location: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<{ readonly size: number }>
}
