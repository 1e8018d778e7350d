package dev.aerie.store;

/** What a store is expected to take, rather too much than too little. */
public final class StoreSize {

    /** zstd takes bf16 states to between 0.69 and 0.75 of their size; the plan assumes the worse. */
    private static final double BF16_SHARE = 0.75;
    /** Ids, mask, page headers and footer. */
    private static final int BYTES_BESIDE_STATES = 16;

    private StoreSize() {}

    /**
     * @param auxWidth elements stored for each token
     * @param teacherRows states after the final norm, of {@code hiddenSize} elements
     */
    public static long bytes(Codec codec, int auxWidth, int hiddenSize, long tokens, long teacherRows) {
        double elements = (double) tokens * auxWidth + (double) teacherRows * hiddenSize;
        double share = codec == Codec.of("bf16") ? BF16_SHARE : 1;
        return (long) (elements * codec.dtype().bytes() * share + (double) tokens * BYTES_BESIDE_STATES);
    }
}
