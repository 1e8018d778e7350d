package dev.aerie.store;

import dev.aerie.text.TokenSequence;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A row of a shard's file: at most {@link #MAX_TOKENS} consecutive tokens of one conversation.
 *
 * @param conversation id of the conversation
 * @param part the part of the store that it belongs to
 * @param conversationTokens length of the whole conversation
 * @param firstToken position of the chunk's first token in it
 * @param sequence its tokens and loss mask
 * @param states a block for each field that was written or is read, in the schema's order: of a captured layer for all its
 *     tokens, of the final norm for its teacher rows
 */
record Chunk(
        String conversation,
        Part part,
        int conversationTokens,
        int firstToken,
        TokenSequence sequence,
        List<EncodedStates> states) {

    /** 8 MB of bf16 at hidden size 4,096: larger rows cost heap (a 300 MB row takes 7 GB) without a gain. */
    static final int MAX_TOKENS = 256;

    /** Returns the number of rows of a conversation. */
    static int count(int tokens) {
        return (int) (((long) tokens + MAX_TOKENS - 1) / MAX_TOKENS);
    }

    /**
     * The chunk that a row of a file holds.
     *
     * @param binaries the row's binary values, at their columns' numbers in {@link ShardSchema}
     * @param integers its 32-bit numbers, likewise
     * @throws IllegalArgumentException if its lengths contradict each other
     */
    static Chunk ofRow(ByteBuffer[] binaries, int[] integers, List<EncodedStates> states) {
        int tokens = integers[ShardSchema.TOKENS];
        ByteBuffer ids = binaries[ShardSchema.INPUT_IDS];
        ByteBuffer mask = binaries[ShardSchema.LOSS_MASK];
        if (tokens < 1 || tokens > MAX_TOKENS || ids.remaining() != tokens * Integer.BYTES || mask.remaining() != tokens) {
            throw new IllegalArgumentException("a row says " + tokens + " tokens and has " + ids.remaining()
                    + " bytes of ids and "
                    + mask.remaining() + " of mask");
        }
        int[] inputIds = new int[tokens];
        ids.duplicate().order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(inputIds);
        boolean[] lossMask = new boolean[tokens];
        for (int i = 0; i < tokens; i++) {
            lossMask[i] = mask.get(mask.position() + i) != 0;
        }
        return new Chunk(text(binaries[ShardSchema.CONVERSATION]), Part.of(text(binaries[ShardSchema.PART])),
                integers[ShardSchema.CONVERSATION_TOKENS], integers[ShardSchema.FIRST_TOKEN],
                new TokenSequence(inputIds, lossMask), states);
    }

    /** Returns the value of a column of text or bytes, by its number in {@link ShardSchema}. */
    ByteBuffer binary(int column) {
        return switch (column) {
            case ShardSchema.CONVERSATION -> utf8(conversation);
            case ShardSchema.PART -> utf8(part.text());
            case ShardSchema.INPUT_IDS -> littleEndian(sequence.inputIds());
            case ShardSchema.LOSS_MASK -> bytes(sequence.lossMask());
            default -> {
                int planes = states.get(0).planes().size();
                int plane = column - ShardSchema.STATES;
                yield states.get(plane / planes).planes().get(plane % planes).duplicate();
            }
        };
    }

    /** Returns the value of a column of numbers, likewise. */
    int integer(int column) {
        return switch (column) {
            case ShardSchema.CONVERSATION_TOKENS -> conversationTokens;
            case ShardSchema.FIRST_TOKEN -> firstToken;
            case ShardSchema.TOKENS -> tokens();
            default -> throw new IllegalArgumentException("Invalid column: " + column + " (expected one of numbers)");
        };
    }

    private static ByteBuffer utf8(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private static ByteBuffer littleEndian(int[] ids) {
        ByteBuffer b = ByteBuffer.allocate(Integer.BYTES * ids.length).order(ByteOrder.LITTLE_ENDIAN);
        b.asIntBuffer().put(ids);
        return b;
    }

    private static ByteBuffer bytes(boolean[] flags) {
        byte[] out = new byte[flags.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = (byte) (flags[i] ? 1 : 0);
        }
        return ByteBuffer.wrap(out);
    }

    private static String text(ByteBuffer utf8) {
        return StandardCharsets.UTF_8.decode(utf8.duplicate()).toString();
    }

    int tokens() {
        return sequence.length();
    }
}
