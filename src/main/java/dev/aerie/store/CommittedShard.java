package dev.aerie.store;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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
        conversations = PackedEntries.of(StoreJson.present(conversations, "conversations"));
        refused = List.copyOf(StoreJson.present(refused, "refused"));
        Set<Integer> places = new HashSet<>();
        for (RefusedConversation r : refused) {
            if (r.tokens() < 1 || r.place() < 0 || r.place() >= conversations.size() + refused.size() || !places.add(r.place())) {
                throw new IllegalArgumentException("Invalid refused conversation " + r.id() + ": place " + r.place() + ", "
                        + r.tokens() + " tokens (expected a place of its own below " + (conversations.size() + refused.size())
                        + ", and at least one token)");
            }
        }
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

    /**
     * Returns the planned conversations of a part in the plan's order, those that were refused among them: which ones these are
     * is known only after the capture, and the batches of a training must not depend on it.
     */
    public List<PlannedConversation> planned(Part part) {
        Map<Integer, RefusedConversation> gone = new HashMap<>();
        refused.forEach(r -> gone.put(r.place(), r));
        List<PlannedConversation> out = new ArrayList<>();
        Iterator<ConversationEntry> next = conversations.iterator();
        for (int place = 0; place < conversations.size() + refused.size(); place++) {
            RefusedConversation missing = gone.get(place);
            ConversationEntry entry = missing == null ? next.next() : null;
            if (missing != null && missing.part() == part) {
                out.add(new PlannedConversation(missing.id(), missing.tokens(), Optional.empty()));
            } else if (entry != null && entry.part() == part) {
                out.add(new PlannedConversation(entry.id(), entry.tokens(), Optional.of(entry)));
            }
        }
        return out;
    }

    /** Returns the path below the store's folder. */
    String path() {
        return StoreLayout.SHARDS + "/" + file;
    }
}
