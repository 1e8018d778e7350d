package dev.aerie.prepare;

import dev.aerie.files.Sha256;
import dev.aerie.store.Part;
import dev.aerie.store.TeacherRows;
import java.util.Arrays;
import java.util.BitSet;

/**
 * The conversations of a plan as the driver keeps them, added one by one in the order of their positions: 20 bytes for each, so
 * that it can plan for tens of millions.
 */
final class ConversationSummaries {

    private final TeacherRows rows;
    private final int maxNewTokens;
    private final BitSet heldOut = new BitSet();
    private final Sha256 inputs = new Sha256();
    private long[] positions = new long[1024];
    private long[] names = new long[1024];
    private int[] tokens = new int[1024];
    private int size;
    private long trainedTokens;
    private long teacherRows;

    /** @param maxNewTokens largest number of tokens in a held-out continuation */
    ConversationSummaries(TeacherRows rows, int maxNewTokens) {
        this.rows = rows;
        this.maxNewTokens = maxNewTokens;
    }

    /** @throws IllegalArgumentException if its position is not after that of the conversation before, or it has no tokens */
    void add(ConversationSummary next) {
        if (size > 0 && positions[size - 1] >= next.position()) {
            throw new IllegalArgumentException("Invalid position: " + next.position() + " after " + positions[size - 1]
                    + " (expected each once, ascending)");
        }
        if (next.tokens() == 0) {
            throw new IllegalArgumentException("Invalid conversation at position " + next.position()
                    + ": no tokens (expected at least one)");
        }
        if (size == positions.length) {
            int larger = size + (size >> 1);
            positions = Arrays.copyOf(positions, larger);
            names = Arrays.copyOf(names, larger);
            tokens = Arrays.copyOf(tokens, larger);
        }
        positions[size] = next.position();
        names[size] = next.name();
        tokens[size] = next.expectedTokens(maxNewTokens);
        heldOut.set(size, next.part() == Part.HELD_OUT);
        inputs.add(next.digest());
        trainedTokens += next.part() == Part.TRAIN ? next.tokens() : 0;
        if (rows == TeacherRows.ALL) {
            teacherRows += tokens[size];
        } else {
            teacherRows += next.part() == Part.TRAIN ? next.teacherRows() : maxNewTokens;
        }
        size++;
    }

    int size() {
        return size;
    }

    long position(int index) {
        return positions[index];
    }

    /** Returns the tokens that a conversation is expected to have in the store. */
    int tokens(int index) {
        return tokens[index];
    }

    boolean isHeldOut(int index) {
        return heldOut.get(index);
    }

    int heldOut() {
        return heldOut.cardinality();
    }

    /** Returns the tokens of the training part. */
    long trainedTokens() {
        return trainedTokens;
    }

    /** Returns the expected number of states after the final norm. */
    long teacherRows() {
        return teacherRows;
    }

    /** Returns the SHA-256 over all conversations in order; afterwards none is added any more. */
    String fingerprint() {
        return inputs.copy().hex();
    }

    /** Returns whether two conversations may have one part and id: a hash of these is equal. */
    boolean mayHaveEqualNames() {
        long[] sorted = Arrays.copyOf(names, size);
        Arrays.parallelSort(sorted);
        for (int i = 1; i < size; i++) {
            if (sorted[i - 1] == sorted[i]) {
                return true;
            }
        }
        return false;
    }
}
