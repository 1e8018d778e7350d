package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.EXPORT_OUTPUT;
import static dev.aerie.jobs.RecipeKeys.TRAIN_OUTPUT;

import dev.aerie.draft.DraftExport;
import dev.aerie.draft.DraftParameters;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.train.TrainedDraft;
import java.io.IOException;
import java.io.OutputStream;
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
        String output = EXPORT_OUTPUT.of(recipe);
        Configuration conf = HadoopConf.submitted();
        Places.requireApart(recipe, conf);
        Places.requireReachable(conf, Place.of(recipe, TRAIN_OUTPUT, EXPORT_OUTPUT));
        TrainedDraft draft = TrainedDraft.open(TRAIN_OUTPUT.of(recipe), conf);
        Path folder = new Path(output);
        FileSystem files = folder.getFileSystem(conf);
        // Side files with checksums would stand among those that serving engines read.
        FileSystem plain = files instanceof LocalFileSystem local ? local.getRawFileSystem() : files;
        ExportFolder.claim(Place.single(recipe, EXPORT_OUTPUT), plain, plain.makeQualified(folder), draft);
        write(draft, plain, plain.makeQualified(folder));
        System.out.println("export: step " + draft.step() + " of " + TRAIN_OUTPUT.of(recipe) + " is in " + output);
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
