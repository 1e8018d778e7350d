package dev.aerie.store;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.aerie.errors.Choice;
import java.util.List;
import java.util.Locale;

/**
 * The content of {@code generations/00002/generation.json}: what the second or a later generation of a store changes. Created
 * exclusively before its first shard, and never changed.
 *
 * @param formatVersion {@link StoreSettings#FORMAT_VERSION}
 * @param generation its number, from 2
 * @param operation what made it
 * @param conversations how many it adds or removes
 * @param shards numbers of the shards that it makes, ascending; all others are those of the generation before
 * @param settings as in {@code store.json}, of all that a reader of this generation finds
 * @param tables files beside the shards, likewise
 */
public record Generation(int formatVersion, int generation, Operation operation, long conversations, List<Integer> shards,
        StoreSettings settings, StoreTables tables) {

    /** How a generation differs from the one before. */
    public enum Operation implements Choice {
        /** It has further shards. */
        APPEND,
        /** Some shards are written again without conversations that are removed for good. */
        FORGET;

        @Override
        @JsonValue
        public String text() {
            return name().toLowerCase(Locale.ROOT);
        }

        @JsonCreator
        static Operation of(String text) {
            return Choice.of(Operation.class, "operation", text);
        }
    }

    public Generation {
        StoreJson.present(operation, "operation");
        StoreJson.present(settings, "settings");
        StoreJson.present(tables, "tables");
        shards = List.copyOf(StoreJson.present(shards, "shards"));
        if (generation < 2) {
            throw new IllegalArgumentException("Invalid generation: " + generation + " (expected 2 or more)");
        }
        int last = -1;
        for (int shard : shards) {
            if (shard <= last || shard >= settings.planned().shards()) {
                throw new IllegalArgumentException("Invalid shards: " + shard + " after " + last + " (expected ascending numbers "
                        + "below " + settings.planned().shards() + ")");
            }
            last = shard;
        }
    }

    /** The second or a later generation in this version's format. */
    public static Generation of(int generation, Operation operation, long conversations, List<Integer> shards,
            StoreSettings settings, StoreTables tables) {
        return new Generation(StoreSettings.FORMAT_VERSION, generation, operation, conversations, shards, settings, tables);
    }
}
