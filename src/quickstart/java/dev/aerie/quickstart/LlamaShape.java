package dev.aerie.quickstart;

/** Size of the target that the quickstart makes: a decoder of the Llama architecture with tied embeddings. */
record LlamaShape(int vocabulary, int hidden, int intermediate, int layers, int heads, int kvHeads, int headDim) {

    static final double RMS_NORM_EPS = 1e-5;
    static final double ROPE_THETA = 10_000;
    static final int MAX_POSITIONS = 1024;

    /** Eight layers are the fewest for which the captured ones, [1, n/2 - 1, n - 4], differ. */
    static LlamaShape quickstart(int vocabulary) {
        return new LlamaShape(vocabulary, 128, 384, 8, 4, 2, 32);
    }
}
