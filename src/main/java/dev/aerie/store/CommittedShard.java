package dev.aerie.store;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A commit marker: names the file of a shard and describes its content.
 *
 * @param formatVersion {@link StoreSettings#FORMAT_VERSION}
 * @param shard its number in the plan
 * @param file its name in {@code shards/}
 * @param rows rows of the file, chunks of at most 256 tokens
 * @param tokens tokens of all its conversations
 * @param teacherRows number of states after the final norm
 * @param bytes length of the file
 * @param sha256 of the file, hexadecimal
 * @param conversations in the order of the file
 * @param refused planned conversations that are not in the file
 */
public record CommittedShard(
        int formatVersion,
        int shard,
        String file,
        int rows,
        long tokens,
        long teacherRows,
        long bytes,
        String sha256,
        List<ConversationEntry> conversations,
        List<RefusedConversation> refused)
        implements Serializable {

    private static final Pattern FILE = Pattern.compile("shard-\\d{5,}-[0-9a-f]+\\.("
            + Arrays.stream(Container.values()).map(Container::extension).collect(Collectors.joining("|")) + ")");

    public CommittedShard {
        if (shard < 0) {
            throw new IllegalArgumentException("Invalid shard: " + shard + " (expected 0 or more)");
        }
        // The name becomes part of a path, and markers may come from elsewhere.
        if (file == null || !FILE.matcher(file).matches()) {
            throw new IllegalArgumentException("Invalid file: " + file + " (expected shard-<number>-<attempt>.<container>)");
        }
        conversations = List.copyOf(StoreJson.present(conversations, "conversations"));
        refused = List.copyOf(StoreJson.present(refused, "refused"));
        int row = 0;
        for (ConversationEntry c : conversations) {
            if (c.tokens() < 1 || c.row() != row) {
                throw new IllegalArgumentException("Invalid conversation " + c.id() + ": " + c.tokens() + " tokens from row "
                        + c.row() + " (expected at least one, from row " + row + ")");
            }
            row += Chunk.count(c.tokens());
        }
        if (row != rows) {
            throw new IllegalArgumentException("Invalid rows: " + rows + " (expected " + row + ", those of the conversations)");
        }
        long sum = conversations.stream().mapToLong(ConversationEntry::tokens).sum();
        if (sum != tokens) {
            throw new IllegalArgumentException("Invalid tokens: " + tokens + " (expected " + sum
                    + ", the sum of the conversations)");
        }
    }

    /** Returns the path below the store's folder. */
    String path() {
        return StoreLayout.SHARDS + "/" + file;
    }
}
