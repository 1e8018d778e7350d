package dev.aerie.store;

/** Estimates the bytes of a store, rather too high than too low. */
public final class StoreSize {

    /** zstd compresses bf16 states to between 0.69 and 0.75 of their size; the plan assumes the latter. */
    private static final double BF16_SHARE = 0.75;
    /** Bytes per token for ids, mask, page headers and footer. */
    private static final int BYTES_BESIDE_STATES = 16;

    private StoreSize() {}

    /**
     * @param auxWidth elements stored for each token
     * @param teacherRows number of states after the final norm, of {@code hiddenSize} elements
     */
    public static long bytes(Codec codec, int auxWidth, int hiddenSize, long tokens, long teacherRows) {
        double elements = (double) tokens * auxWidth + (double) teacherRows * hiddenSize;
        double share = codec == Codec.of("bf16") ? BF16_SHARE : 1;
        return (long) (elements * codec.dtype().bytes() * share + (double) tokens * BYTES_BESIDE_STATES);
    }
}
