package dev.aerie.jobs;

import dev.aerie.draft.DraftExport;
import dev.aerie.draft.DraftParameters;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.train.TrainedDraft;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Writes the newest checkpoint of a training in the form that SGLang and vLLM load. */
@Command(name = "export",
        description = "Writes the newest checkpoint of train.output to export.output, as SGLang and vLLM load it.")
final class Export implements Callable<Integer> {

    @Mixin
    private RecipeOptions options;

    @Override
    public Integer call() throws IOException {
        Recipe recipe = options.recipe();
        String output = recipe.text("export.output");
        Configuration conf = HadoopConf.submitted();
        FirstContact.require(conf, List.of(recipe.text("train.output"), output));
        TrainedDraft draft = TrainedDraft.open(recipe.text("train.output"), conf);
        Path folder = new Path(output);
        FileSystem files = folder.getFileSystem(conf);
        // Side files with checksums would stand among those that serving engines read.
        FileSystem plain = files instanceof LocalFileSystem local ? local.getRawFileSystem() : files;
        write(draft, plain, plain.makeQualified(folder));
        System.out.println("export: step " + draft.step() + " of " + recipe.text("train.output") + " is in " + output);
        return 0;
    }

    /** The configuration goes first and comes last: without it nothing loads the folder, half written as it is. */
    private static void write(TrainedDraft draft, FileSystem files, Path folder) throws IOException {
        Path config = new Path(folder, DraftExport.CONFIG);
        files.delete(config, false);
        try (Scope scope = Scope.open(); DraftParameters parameters = draft.parameters(Device.CPU);
                OutputStream out = files.create(new Path(folder, DraftExport.WEIGHTS), true)) {
            DraftExport.writeWeights(parameters, draft.vocabulary(), out);
        }
        try (OutputStream out = files.create(config, true)) {
            out.write(DraftExport.config(draft.config()));
        }
    }
}
