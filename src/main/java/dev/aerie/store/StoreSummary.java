package dev.aerie.store;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Describes a store in a few lines for the user. */
public final class StoreSummary {

    private StoreSummary() {}

    /** @return lines of text, each with a line break */
    public static String of(HiddenStateStore store) throws IOException {
        StoreSettings s = store.settings();
        List<CommittedShard> shards = store.shards();
        long tokens = shards.stream().mapToLong(CommittedShard::tokens).sum();
        long bytes = shards.stream().mapToLong(CommittedShard::bytes).sum();
        long teacher = shards.stream().mapToLong(CommittedShard::teacherRows).sum();
        List<RefusedConversation> refused = shards.stream().flatMap(x -> x.refused().stream()).toList();
        StringBuilder out = new StringBuilder();
        line(out, "store", store.uri());
        line(out, "format", s.formatVersion() + ", " + s.states().container().text() + ", codec " + s.states().codec().name()
                + ", teacher_rows "
                + s.states().teacherRows().text());
        line(out, "states", "layers " + s.states().captureLayers() + " and the final norm, hidden size " + s.states()
                .hiddenSize());
        line(out, "target", s.fingerprints().target());
        line(out, "tokenizer", s.fingerprints().tokenizer());
        line(out, "template", s.fingerprints().template());
        line(out, "inputs", s.fingerprints().inputs());
        line(out, "settings", s.fingerprints().settings());
        line(out, "generation", generation(store));
        line(out, "shards", shards.size() + " of " + s.planned().shards() + " committed");
        for (Part part : Part.values()) {
            line(out, part.text(), part(store, part));
        }
        if (tokens > 0) {
            line(out, "size", String.format(Locale.ROOT, "%,d bytes, %.1f per token, %.3f of 8 × hidden size; "
                            + "teacher states for %.1f %% of the tokens",
                    bytes, (double) bytes / tokens, bytes / (8.0 * s.states().hiddenSize() * tokens), 100.0 * teacher / tokens));
        }
        line(out, "orphans", store.orphans().size() + " files of attempts that never committed");
        line(out, "refused", refused.size() + " conversations");
        refused.stream().limit(10).forEach(r -> line(out, "", r.id() + ": " + r.reason()));
        return out.toString();
    }

    private static String generation(HiddenStateStore store) throws IOException {
        Generations all = Generations.of(store.files());
        StringBuilder out = new StringBuilder().append(store.generation());
        for (int n = 2; n <= all.newest(); n++) {
            out.append(describe(all.get(n)));
        }
        all.pending().ifPresent(begun -> out.append(describe(begun)).append(", which is not finished"));
        return out.toString();
    }

    private static String describe(Generation one) {
        return String.format(Locale.ROOT, "; %d %s %,d conversations", one.generation(),
                one.operation() == Generation.Operation.APPEND ? "added" : "removed", one.conversations());
    }

    private static String part(HiddenStateStore store, Part part) {
        List<ConversationEntry> c = store.conversations(part).collect(Collectors.toList());
        long tokens = c.stream().mapToLong(ConversationEntry::tokens).sum();
        long supervised = c.stream().mapToLong(ConversationEntry::supervised).sum();
        return String.format(Locale.ROOT, "%,d conversations, %,d tokens, %,d supervised", c.size(), tokens, supervised);
    }

    private static void line(StringBuilder out, String name, String value) {
        out.append(String.format(Locale.ROOT, "%-10s %s%n", name, value));
    }
}
