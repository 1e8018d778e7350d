package dev.aerie.text;

/**
 * A text as tokens.
 *
 * @param inputIds token ids
 * @param starts index into the text, in UTF-16 units, of each token's first character
 * @param ends   the index after its last; tokens that are pieces of one character all span the whole of it
 */
public record TokenizedText(int[] inputIds, int[] starts, int[] ends) {

    public int length() {
        return inputIds.length;
    }
}
