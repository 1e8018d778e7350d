package dev.aerie.prepare;

import dev.aerie.clean.CleaningSettings;
import dev.aerie.host.HostModel;
import dev.aerie.text.ConversationFormat;
import dev.aerie.text.EncoderSettings;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/**
 * The settings of ingest: the conversations that are read, and how they are encoded.
 *
 * @param model the target, whose tokenizer and template the encoder has from each host's own folder of it
 * @param inputs in the order that decides which of two equal conversations is kept
 * @param cleaning which of them are removed before they are encoded
 * @param encoder how a conversation becomes tokens and a loss mask
 * @param minSupervisedShare a run whose share of supervised tokens is lower stops: its template or mask is wrong
 * @param heldOut conversations that are held out for measuring acceptance
 * @param seed of the choice of held-out conversations
 */
public record IngestSettings(
        HostModel model, List<Input> inputs, CleaningSettings cleaning, EncoderSettings encoder, double minSupervisedShare,
                int heldOut, long seed) implements Serializable {

    /**
     * One input.
     *
     * @param limit records read of it at most, from its beginning; 0 for all
     */
    public record Input(Origin origin, ConversationFormat format, long limit) implements Serializable {

        /** @param path a file, a folder or a glob */
        public Input(String path, ConversationFormat format, long limit) {
            this(new Files(path), format, limit);
        }
    }

    /** Where the records of an input are. */
    public sealed interface Origin extends Serializable permits Files, Table, Query {}

    /**
     * @param path a file, a folder or a glob on any Hadoop file system; the files of a folder are read in the order of their
     * names
     */
    public record Files(String path) implements Origin {}

    /** @param name of a table or view, as SQL spells it */
    public record Table(String name, Columns columns) implements Origin {}

    /** @param sql one query */
    public record Query(String sql, Columns columns) implements Origin {}

    /**
     * The columns of a table or query that have names of their own, null for those that are found by the name of a record's
     * field. Each is spelled as SQL spells a column: {@code a.b} is the field b of a struct.
     *
     * @param id names the records and orders them
     * @param conversation turns, rendered text, or a whole record
     * @param source what a training's subset is chosen by
     */
    public record Columns(String id, String conversation, String source) implements Serializable {

        /** Every column is found by its name. */
        public static final Columns BY_NAME = new Columns(null, null, null);
    }

    public IngestSettings(HostModel model, List<Input> inputs, EncoderSettings encoder, double minSupervisedShare, int heldOut,
            long seed) {
        this(model, inputs, CleaningSettings.NONE, encoder, minSupervisedShare, heldOut, seed);
    }

    public IngestSettings {
        inputs = List.copyOf(inputs);
        if (inputs.isEmpty()) {
            throw new IllegalArgumentException("Invalid inputs: none (expected at least one)");
        }
    }

    /** Returns the encoder, with the model's folder on this host. */
    EncoderSettings encoderHere(Configuration conf) throws IOException {
        return encoder.withModelFolder(model.folder(conf).toString());
    }
}
