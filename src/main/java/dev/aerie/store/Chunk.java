package dev.aerie.store;

import dev.aerie.text.TokenSequence;

/**
 * A row of a shard's file: at most {@link #MAX_TOKENS} consecutive tokens of one conversation.
 *
 * @param conversation id of the conversation
 * @param part the part of the store that it belongs to
 * @param conversationTokens length of the whole conversation
 * @param firstToken position of the chunk's first token in it
 * @param sequence tokens and loss mask
 * @param aux captured states of all its tokens, one value per column of the codec
 * @param teacher states after the final norm of its teacher rows, one value per column of the codec
 */
record Chunk(
        String conversation,
        Part part,
        int conversationTokens,
        int firstToken,
        TokenSequence sequence,
        byte[][] aux,
        byte[][] teacher) {

    /** 8 MB of bf16 at hidden size 4,096: larger rows cost heap (a 300 MB row takes 7 GB) without a gain. */
    static final int MAX_TOKENS = 256;

    /** Returns the number of rows of a conversation. */
    static int count(int tokens) {
        return (int) (((long) tokens + MAX_TOKENS - 1) / MAX_TOKENS);
    }

    int tokens() {
        return sequence.length();
    }
}
