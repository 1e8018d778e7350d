package dev.aerie.store;

/** A column of a shard's file, whatever its {@link Container}. No value is missing. */
record ShardColumn(String name, Type type) {

    enum Type {
        /** UTF-8. */
        TEXT,
        /** 32 bits, signed. */
        INTEGER,
        BINARY
    }

    @Override
    public String toString() {
        return switch (type) {
            case TEXT -> "string ";
            case INTEGER -> "int32 ";
            case BINARY -> "binary ";
        } + name;
    }
}
