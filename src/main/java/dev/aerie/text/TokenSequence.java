package dev.aerie.text;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;

/**
 * A tokenised conversation, or several concatenated ones: token ids and loss mask. This is the only type for them from the
 * encoder to the training batch. The arrays are shared, not copied, and must not be changed.
 *
 * @param inputIds token ids [T]
 * @param lossMask [T], true where the token is the assistant's own or its end of turn
 */
public record TokenSequence(int[] inputIds, boolean[] lossMask) implements Serializable {

    /** @throws IllegalArgumentException unless there are as many tokens as places in the mask */
    public TokenSequence {
        if (inputIds.length != lossMask.length) {
            throw new IllegalArgumentException("Invalid token sequence: " + inputIds.length + " tokens and a mask of "
                    + lossMask.length + " (expected as many)");
        }
    }

    /** T. */
    public int length() {
        return inputIds.length;
    }

    public int supervisedCount() {
        int count = 0;
        for (boolean one : lossMask) {
            count += one ? 1 : 0;
        }
        return count;
    }

    /** Tokens before the first supervised one: up to and including the assistant's header, where a generation starts. */
    public int promptLength() {
        for (int i = 0; i < lossMask.length; i++) {
            if (lossMask[i]) {
                return i;
            }
        }
        return lossMask.length;
    }

    /** Whether so many neighbouring tokens are supervised after the first: a row learns about the tokens that follow it. */
    public boolean hasSupervisedRun(int tokens) {
        int run = 0;
        for (int i = 1; i < lossMask.length; i++) {
            run = lossMask[i] ? run + 1 : 0;
            if (run == tokens) {
                return true;
            }
        }
        return false;
    }

    /** Its tokens from {@code from} to {@code to}, exclusive. */
    public TokenSequence slice(int from, int to) {
        return new TokenSequence(Arrays.copyOfRange(inputIds, from, to), Arrays.copyOfRange(lossMask, from, to));
    }

    /** Returns the sequences end to end. */
    public static TokenSequence concatenated(List<TokenSequence> sequences) {
        int total = sequences.stream().mapToInt(TokenSequence::length).sum();
        TokenSequence all = new TokenSequence(new int[total], new boolean[total]);
        int at = 0;
        for (TokenSequence one : sequences) {
            System.arraycopy(one.inputIds, 0, all.inputIds, at, one.length());
            System.arraycopy(one.lossMask, 0, all.lossMask, at, one.length());
            at += one.length();
        }
        return all;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TokenSequence that
                && Arrays.equals(inputIds, that.inputIds) && Arrays.equals(lossMask, that.lossMask);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(inputIds) + Arrays.hashCode(lossMask);
    }

    @Override
    public String toString() {
        return "TokenSequence[" + length() + " tokens, " + supervisedCount() + " supervised]";
    }
}
