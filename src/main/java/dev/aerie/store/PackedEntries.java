package dev.aerie.store;

import java.io.ByteArrayOutputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.List;
import java.util.RandomAccess;

/**
 * A shard's conversations in a few arrays, made into objects where they are asked for: 16 bytes and the id for each instead of
 * 90, because a driver holds those of every shard.
 */
final class PackedEntries extends AbstractList<ConversationEntry> implements RandomAccess, Serializable {

    private static final Part[] PARTS = Part.values();

    private final byte[] ids;
    /** Where each id ends; it begins where the one before ends. */
    private final int[] ends;
    private final byte[] parts;
    private final int[] rows;
    private final int[] tokens;
    private final int[] supervised;

    private PackedEntries(List<ConversationEntry> entries) {
        int size = entries.size();
        ByteArrayOutputStream all = new ByteArrayOutputStream(24 * size);
        this.ends = new int[size];
        this.parts = new byte[size];
        this.rows = new int[size];
        this.tokens = new int[size];
        this.supervised = new int[size];
        int i = 0;
        for (ConversationEntry entry : entries) {
            all.writeBytes(StoreJson.present(entry.id(), "id").getBytes(StandardCharsets.UTF_8));
            ends[i] = all.size();
            parts[i] = (byte) StoreJson.present(entry.part(), "part").ordinal();
            rows[i] = entry.row();
            tokens[i] = entry.tokens();
            supervised[i++] = entry.supervised();
        }
        this.ids = all.toByteArray();
    }

    static List<ConversationEntry> of(List<ConversationEntry> entries) {
        return entries instanceof PackedEntries ? entries : new PackedEntries(entries);
    }

    @Override
    public ConversationEntry get(int index) {
        int start = index == 0 ? 0 : ends[index - 1];
        return new ConversationEntry(new String(ids, start, ends[index] - start, StandardCharsets.UTF_8), PARTS[parts[index]],
                rows[index], tokens[index], supervised[index]);
    }

    @Override
    public int size() {
        return ends.length;
    }
}
