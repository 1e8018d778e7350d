package dev.aerie.text;

/**
 * A conversation as the target sees it.
 *
 * @param ids        token ids [T]
 * @param supervised [T], true where the token is the assistant's own or its end of turn
 */
public record TokenizedConversation(String id, String source, int[] ids, boolean[] supervised) {

    public int length() {
        return ids.length;
    }

    public int supervisedCount() {
        int count = 0;
        for (boolean one : supervised) {
            count += one ? 1 : 0;
        }
        return count;
    }
}
