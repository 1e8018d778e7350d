package dev.aerie.prepare;

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
 * @param inputs files, in the order that decides which of two equal conversations is kept
 * @param encoder how a conversation becomes tokens and a loss mask
 * @param minSupervisedShare a run whose share of supervised tokens is lower stops: its template or mask is wrong
 * @param heldOut conversations that are held out for measuring acceptance
 * @param seed of the choice of held-out conversations
 */
public record IngestSettings(
        HostModel model, List<Input> inputs, EncoderSettings encoder, double minSupervisedShare, int heldOut,
                long seed) implements Serializable {

    /**
     * One input.
     *
     * @param path a file, a folder or a glob on any Hadoop file system; the files of a folder are read in the order of their
     *     names
     * @param limit records read of it at most, from its beginning; 0 for all
     */
    public record Input(String path, ConversationFormat format, long limit) implements Serializable {}

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
