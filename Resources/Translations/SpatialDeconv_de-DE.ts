<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de_DE">
    <context>
        <name>SpatialDeconv</name>
        <message>
            <source>Spatially Variant Deconvolution</source>
            <translation>Ortsabhängige Entfaltung</translation>
        </message>
        <message>
            <source>
Removes (or applies) blur that differs from place to place: the kernel of every voxel is chosen by its
intensity, by the region it lies in, or by its position. Choose an input volume, fill the kernel table or load a
kernel set, look at the preview, then press Apply. "Sample Data" has two volumes with their kernels to begin with.
</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>How to use it (a page that needs no network)</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>
The filters are those of ITK and SimpleITK. The sample volume is the ICBM 152 T1 template of the Montreal
Neurological Institute, McGill University.
</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>The run is being cancelled; reload again when it has stopped.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Inputs</source>
            <translation>Eingaben</translation>
        </message>
        <message>
            <source>Volume to deconvolve or to blur; vector volumes are done channel by channel.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Input volume:</source>
            <translation>Eingabevolumen:</translation>
        </message>
        <message>
            <source>Select a volume</source>
            <translation>Volumen wählen</translation>
        </message>
        <message>
            <source>Kernels that describe the blur, and what chooses among them.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Kernels:</source>
            <translation>Kerne:</translation>
        </message>
        <message>
            <source>Open the table of kernels below: add files, change rows, choose what they are keyed to.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Edit...</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>What to do with the input volume; the text below says what that takes.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>What to do:</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Let the run choose, filter with each kernel and blend the results, or invert the blur that varies as a whole.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Strategy:</source>
            <translation>Strategie:</translation>
        </message>
        <message>
            <source>Filter that runs once for every kernel; the results are blended.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Filter:</source>
            <translation>Filter:</translation>
        </message>
        <message>
            <source>Who computes the filter: SimpleITK itself, or a faster implementation whose result differs by rounding only.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Engine:</source>
            <translation>Rechenwerk:</translation>
        </message>
        <message>
            <source>How the blur that varies from place to place is inverted.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Solver:</source>
            <translation>Löser:</translation>
        </message>
        <message>
            <source>Volume that receives the result; by default every run creates a new one.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Output volume:</source>
            <translation>Ausgabevolumen:</translation>
        </message>
        <message>
            <source>Deconvolved</source>
            <translation>Entfaltet</translation>
        </message>
        <message>
            <source>Create new volume</source>
            <translation>Neues Volumen anlegen</translation>
        </message>
        <message>
            <source>Run the filter.</source>
            <translation>Das Filter anwenden.</translation>
        </message>
        <message>
            <source>Apply</source>
            <translation>Anwenden</translation>
        </message>
        <message>
            <source>Change the setting that the line above names.</source>
            <translation>Die Einstellung ändern, die die Zeile darüber nennt.</translation>
        </message>
        <message>
            <source>Kernels</source>
            <translation>Kerne</translation>
        </message>
        <message>
            <source>What chooses the kernel of a voxel.</source>
            <translation>Was den Kern eines Voxels bestimmt.</translation>
        </message>
        <message>
            <source>Keyed to:</source>
            <translation>Bestimmt durch:</translation>
        </message>
        <message>
            <source>Volume whose intensities choose the kernels instead of those of the input volume.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Guide:</source>
            <translation>Leitbild:</translation>
        </message>
        <message>
            <source>Input volume itself</source>
            <translation>Das Eingabevolumen selbst</translation>
        </message>
        <message>
            <source>Segmentation or label map that says which region every voxel belongs to; the table names segments or label values.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Regions:</source>
            <translation>Bereiche:</translation>
        </message>
        <message>
            <source>None</source>
            <translation>Keine</translation>
        </message>
        <message>
            <source>Kernels and what they belong to; double-click a level or parameters to change them.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Add a kernel for the next level, region or position.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Add</source>
            <translation>Hinzufügen</translation>
        </message>
        <message>
            <source>Remove the selected kernels (Delete).</source>
            <translation>Die gewählten Kerne entfernen (Entf).</translation>
        </message>
        <message>
            <source>Remove</source>
            <translation>Entfernen</translation>
        </message>
        <message>
            <source>Sort the table by level, segment or position.</source>
            <translation>Die Tabelle nach Stufe, Segment oder Ort ordnen.</translation>
        </message>
        <message>
            <source>Sort</source>
            <translation>Ordnen</translation>
        </message>
        <message>
            <source>Append rows copied from a spreadsheet: level, kind (Gaussian if it is missing), size in mm, angle; or files by their paths, one a line (Ctrl+V).</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Paste</source>
            <translation>Einfügen</translation>
        </message>
        <message>
            <source>Load a kernel set file (*.json) into the table.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Load...</source>
            <translation>Laden...</translation>
        </message>
        <message>
            <source>Save the table as a kernel set file (*.json).</source>
            <translation>Die Tabelle als Kernsatz (*.json) speichern.</translation>
        </message>
        <message>
            <source>Save...</source>
            <translation>Speichern...</translation>
        </message>
        <message>
            <source>Add a volume of the scene as a kernel.</source>
            <translation>Ein Volumen der Szene als Kern hinzufügen.</translation>
        </message>
        <message>
            <source>From volume</source>
            <translation>Aus Volumen</translation>
        </message>
        <message>
            <source>Remove all kernels from the table.</source>
            <translation>Alle Kerne aus der Tabelle entfernen.</translation>
        </message>
        <message>
            <source>Clear</source>
            <translation>Leeren</translation>
        </message>
        <message>
            <source>Add the kernels in files: images, .npy, .npz, .mat, tables of text (.csv), FITS, one or many in each; the number that differs in the files' names is the level. Files and folders can be dropped on the table, too.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Add files...</source>
            <translation>Dateien...</translation>
        </message>
        <message>
            <source>Take back the last change of the table (Ctrl+Z).</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Undo</source>
            <translation>Rückgängig</translation>
        </message>
        <message>
            <source>Make the change again that was taken back (Ctrl+Shift+Z).</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Redo</source>
            <translation>Wiederholen</translation>
        </message>
        <message>
            <source>Fill the table with levels around which the intensities of the volume gather.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Levels from histogram</source>
            <translation>Stufen aus dem Histogramm</translation>
        </message>
        <message>
            <source>Number of levels that are looked for in the histogram.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source> levels</source>
            <translation> Stufen</translation>
        </message>
        <message>
            <source>The kernel of the selected row, summed along the axis on which it is shortest, with a scale in mm. A cross shows the centre of a stored kernel.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Volume that holds the weight of this kernel at every voxel. One of several images (channels, a sequence) makes a row for each.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Weights:</source>
            <translation>Gewichte:</translation>
        </message>
        <message>
            <source>None: a file</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>What kind of kernel the selected rows are.</source>
            <translation>Welcher Art die Kerne der gewählten Zeilen sind.</translation>
        </message>
        <message>
            <source>Kind:</source>
            <translation>Art:</translation>
        </message>
        <message>
            <source>Size of the kernel: one number, or one for each axis of the volume (slices, rows, columns).</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Sigma (mm):</source>
            <translation>Sigma (mm):</translation>
        </message>
        <message>
            <source>Read distances (mm) and densities from a text file of two columns.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>From a file...</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Volume whose voxels are the kernel.</source>
            <translation>Volumen, dessen Voxel der Kern sind.</translation>
        </message>
        <message>
            <source>Image file or .npy array whose voxels are the kernel.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Direction of the motion: an angle in degrees in the slice, from the rows towards the columns, or a vector z, y, x.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Angle (°):</source>
            <translation>Winkel (°):</translation>
        </message>
        <message>
            <source>Whether the values are the kernel itself or its logarithm (Monte Carlo kernels often are).</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Which place of the stored kernel stands for no displacement.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Centre:</source>
            <translation>Mitte:</translation>
        </message>
        <message>
            <source>Voxel size of the kernel in its file: one number in mm, or one for each axis; empty: as the file says, else that of the image.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Voxel size (mm):</source>
            <translation>Voxelgröße (mm):</translation>
        </message>
        <message>
            <source>Whether the levels of the table mean values as the image shows them, or the object's own, before the blur.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Whose intensity?</source>
            <translation>Wessen Intensität?</translation>
        </message>
        <message>
            <source>The kernel between two levels or positions of the table.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>In between:</source>
            <translation>Dazwischen:</translation>
        </message>
        <message>
            <source>The kernel of voxels outside the lowest and highest level, or in no region of the table.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Outside:</source>
            <translation>Außerhalb:</translation>
        </message>
        <message>
            <source>Width of the transition from one region to the next, in mm.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Feather:</source>
            <translation>Weicher Rand:</translation>
        </message>
        <message>
            <source> mm</source>
            <translation> mm</translation>
        </message>
        <message>
            <source>Filter every slice as a 2-D image; needed for 2-D kernels on a 3-D volume.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Slice by slice:</source>
            <translation>Schichtweise:</translation>
        </message>
        <message>
            <source>2-D kernels on every slice</source>
            <translation>2-D-Kerne auf jeder Schicht</translation>
        </message>
        <message>
            <source>Region</source>
            <translation>Bereich</translation>
        </message>
        <message>
            <source>Where to work; voxels outside the region keep their value.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Region:</source>
            <translation>Bereich:</translation>
        </message>
        <message>
            <source>Segmentation or label map of the region: its chosen segments, or where the label map is not 0.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Segmentation:</source>
            <translation>Segmentierung:</translation>
        </message>
        <message>
            <source>Segments that make up the region; all of them if none is checked.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Segments:</source>
            <translation>Segmente:</translation>
        </message>
        <message>
            <source>Lowest and highest intensity of the region, in units of the input volume.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Intensities:</source>
            <translation>Intensitäten:</translation>
        </message>
        <message>
            <source>Box (ROI) of the region; create one to place it in the middle of the input volume.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Box:</source>
            <translation>Quader:</translation>
        </message>
        <message>
            <source>Measure kernels</source>
            <translation>Kerne messen</translation>
        </message>
        <message>
            <source>Method</source>
            <translation>Verfahren</translation>
        </message>
        <message>
            <source>Number of steps: more steps sharpen more and amplify noise more.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Iterations:</source>
            <translation>Schritte:</translation>
        </message>
        <message>
            <source>Constant added to the kernel's power spectrum: larger values give a smoother image (no unit).</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Regularization:</source>
            <translation>Regularisierung:</translation>
        </message>
        <message>
            <source>Choose the value of least expected error.</source>
            <translation>Den Wert mit dem kleinsten erwarteten Fehler nehmen.</translation>
        </message>
        <message>
            <source>auto</source>
            <translation>auto</translation>
        </message>
        <message>
            <source>Standard deviation of the noise, in units of the image's intensity.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Noise sigma:</source>
            <translation>Rauschen (Sigma):</translation>
        </message>
        <message>
            <source>Estimate the noise from the input volume.</source>
            <translation>Das Rauschen aus dem Eingabevolumen schätzen.</translation>
        </message>
        <message>
            <source>Whether a voxel is blurred by the kernel of the place that receives (detector) or of the place that sends (source).</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Model:</source>
            <translation>Modell:</translation>
        </message>
        <message>
            <source>Keep what lies outside the region from leaking into the result (normalised convolution).</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>keep from leaking into the region</source>
            <translation>nicht in den Bereich laufen lassen</translation>
        </message>
        <message>
            <source>What the image is taken to be beyond its border.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Boundary:</source>
            <translation>Rand:</translation>
        </message>
        <message>
            <source>What the image is taken to be beyond its border; it can be estimated too.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Advanced</source>
            <translation>Erweitert</translation>
        </message>
        <message>
            <source>Subtracted before a method that needs non-negative values and added afterwards, in units of the image's intensity: the least value of its result. TV and self-keyed keep to it as well.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Offset:</source>
            <translation>Versatz:</translation>
        </message>
        <message>
            <source>0, or where the image is negative its lowest value; TV and self-keyed have no bound then.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Scale every kernel to sum one before convolving; otherwise sums and Laplace keep their meaning.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>scale to sum one</source>
            <translation>auf Summe eins bringen</translation>
        </message>
        <message>
            <source>Convolve families of Gaussians on coarser and coarser grids, with an error below a thousandth of the largest value.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Gaussians:</source>
            <translation>Gauß-Kerne:</translation>
        </message>
        <message>
            <source>fast approximation</source>
            <translation>schnelle Näherung</translation>
        </message>
        <message>
            <source>Replace NaN and infinite voxels of the input by the nearest finite value; otherwise they are an error.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>NaN and infinity:</source>
            <translation>NaN und unendlich:</translation>
        </message>
        <message>
            <source>fill from the neighbours</source>
            <translation>aus den Nachbarn füllen</translation>
        </message>
        <message>
            <source>Resample mask, labels and guide of another geometry onto the input volume; otherwise they are an error.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Other geometry:</source>
            <translation>Andere Geometrie:</translation>
        </message>
        <message>
            <source>resample to the input volume</source>
            <translation>auf das Eingabevolumen umrechnen</translation>
        </message>
        <message>
            <source>Preview</source>
            <translation>Vorschau</translation>
        </message>
        <message>
            <source>Runs</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>See why</source>
            <translation>Warum?</translation>
        </message>
    </context>
    <context>
        <name>SpatialDeconvCompare</name>
        <message>
            <source>Compare:</source>
            <translation>Vergleichen:</translation>
        </message>
        <message>
            <source>Show the input and the output in turn at the same place.</source>
            <translation>Eingabe und Ausgabe abwechselnd an derselben Stelle zeigen.</translation>
        </message>
        <message>
            <source>Flicker</source>
            <translation>Blinken</translation>
        </message>
        <message>
            <source>Show the input and the output beside each other, in views that move together.</source>
            <translation>Eingabe und Ausgabe nebeneinander zeigen, in Ansichten, die sich gemeinsam bewegen.</translation>
        </message>
        <message>
            <source>Side by side</source>
            <translation>Nebeneinander</translation>
        </message>
        <message>
            <source>Show output minus input: red where the output is larger, blue where it is smaller.</source>
            <translation>Ausgabe minus Eingabe zeigen: rot, wo die Ausgabe größer ist, blau, wo sie kleiner ist.</translation>
        </message>
        <message>
            <source>Difference</source>
            <translation>Differenz</translation>
        </message>
        <message>
            <source>Lay over the input what the result leaves unexplained of it, in units of the noise: outlines of objects show where the kernels do not fit.</source>
            <translation>Über die Eingabe legen, was das Ergebnis von ihr nicht erklärt, in Einheiten des Rauschens: Umrisse von Gegenständen zeigen, wo die Kerne nicht passen.</translation>
        </message>
        <message>
            <source>Residual</source>
            <translation>Rest</translation>
        </message>
    </context>
    <context>
        <name>SpatialDeconvEstimate</name>
        <message>
            <source>What the kernels are measured from: a sharp and a blurred volume of one object, or a single volume that shows points, an edge or a slit.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>From:</source>
            <translation>Aus:</translation>
        </message>
        <message>
            <source>Volume that shows the beads, the edge or the slit; inside the region, where one is chosen.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Volume:</source>
            <translation>Volumen:</translation>
        </message>
        <message>
            <source>Input volume itself</source>
            <translation>Das Eingabevolumen selbst</translation>
        </message>
        <message>
            <source>Volume before the blur: a phantom, a simulation, or a second scan of better resolution.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Sharp volume:</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>None</source>
            <translation>Keine</translation>
        </message>
        <message>
            <source>The same object after the blur, on the same voxels.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Blurred volume:</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>One kernel for the whole volume, or one for every level, region or position of the table.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Measure:</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Parts of the volume along z, y and x, each with a kernel from its own points; 1, 1, 1 is one kernel for all.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Zones (z, y, x):</source>
            <translation>Zonen (z, y, x):</translation>
        </message>
        <message>
            <source>Kernels that change smoothly from place to place, as a polynomial of this degree: all points count for all kernels.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Degree:</source>
            <translation>Grad:</translation>
        </message>
        <message>
            <source>each zone by itself</source>
            <translation>jede Zone für sich</translation>
        </message>
        <message>
            <source>Diameter of the beads, which is taken out of the kernels; 0 where they are small against the blur.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Bead diameter:</source>
            <translation>Durchmesser der Kügelchen:</translation>
        </message>
        <message>
            <source> µm</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>negligible</source>
            <translation>vernachlässigbar</translation>
        </message>
        <message>
            <source>Width of the slit, which is taken out of the kernel; 0 where it is small against the blur.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Slit width:</source>
            <translation>Spaltbreite:</translation>
        </message>
        <message>
            <source> mm</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Voxels along every axis that has more than one slice, an odd number; automatic: so many that the blur fits into.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Kernel size:</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source> voxels</source>
            <translation> Voxel</translation>
        </message>
        <message>
            <source>automatic</source>
            <translation>automatisch</translation>
        </message>
        <message>
            <source>Voxels along every axis that has more than one slice; odd or even, so many that the blur fits into.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Least squares with constraints, or division of the spectra.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Method:</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>What is known of the kernel beforehand.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>The kernel is:</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Find a shift of less than a few voxels between the two volumes, and take it out of the kernel.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Allow for:</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>shift</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Find a factor between the intensities of the two volumes.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>gain</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Find a constant that was added to the blurred volume.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>offset</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Measure the kernels and put them into the table.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Measure</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Mark the points in the slice views: green ones were used, of the others the reason stands beside them.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Points of the measurement</source>
            <translation>Punkte der Messung</translation>
        </message>
        <message>
            <source>Plot what the measured kernels pass of every spatial frequency (modulation transfer function).</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>MTF of the measurement</source>
            <translation>MTF der Messung</translation>
        </message>
    </context>
    <context>
        <name>SpatialDeconvPreview</name>
        <message>
            <source>Show the result in a block around the position of the slice views, before running it on the whole volume.</source>
            <translation>Das Ergebnis in einem Block um die Stelle der Schichtansichten zeigen, bevor das ganze Volumen bearbeitet wird.</translation>
        </message>
        <message>
            <source>Preview:</source>
            <translation>Vorschau:</translation>
        </message>
        <message>
            <source>Where the slices cross</source>
            <translation>Wo die Schichten sich kreuzen</translation>
        </message>
        <message>
            <source>How much the preview covers the input volume: 0 shows the input, 1 the result.</source>
            <translation>Wie sehr die Vorschau das Eingabevolumen deckt: 0 zeigt die Eingabe, 1 das Ergebnis.</translation>
        </message>
        <message>
            <source>Opacity:</source>
            <translation>Deckkraft:</translation>
        </message>
        <message>
            <source>Length of the block's edges, a smaller block is ready sooner; in a thin volume it is wider by as much as keeps the number of voxels.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Size:</source>
            <translation>Größe:</translation>
        </message>
        <message>
            <source> voxels</source>
            <translation> Voxel</translation>
        </message>
    </context>
    <context>
        <name>SpatialDeconvRuns</name>
        <message>
            <source>The runs of this session. Select one to compare its result with its input, two to compare their results.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Choose again what the selected run was made with: input, region, kernels, method and its settings.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Bring back its settings</source>
            <translation type="unfinished"></translation>
        </message>
    </context>
    <context>
        <name>SpatialDeconvSheet</name>
        <message>
            <source>Restore the block around the position of the slice views with every method.</source>
            <translation>Den Block um die Stelle der Schichtansichten mit jedem Verfahren wiederherstellen.</translation>
        </message>
        <message>
            <source>Compare all methods</source>
            <translation>Alle Verfahren vergleichen</translation>
        </message>
        <message>
            <source>The block by every method: click one to choose its method.</source>
            <translation>Der Block nach jedem Verfahren: ein Klick wählt das Verfahren.</translation>
        </message>
    </context>
    <context>
        <name>SpatialDeconvWeights</name>
        <message>
            <source>The histogram of the image that chooses the kernels, and the weight of each kernel over it.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Histogram and weights</source>
            <translation>Histogramm und Gewichte</translation>
        </message>
        <message>
            <source>Show the plot beside the slice views, with a legend; press again to go back to the layout before.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Large plot</source>
            <translation>Großes Diagramm</translation>
        </message>
    </context>
    <context>
        <name>SpatialDeconvWhy</name>
        <message>
            <source>Plot what each kernel passes of every spatial frequency (modulation transfer function).</source>
            <translation>Zeichnen, was jeder Kern von jeder Ortsfrequenz durchlässt (Modulationsübertragungsfunktion).</translation>
        </message>
        <message>
            <source>MTF</source>
            <translation>MTF</translation>
        </message>
        <message>
            <source>Plot each kernel along its axes (line spread function), in mm.</source>
            <translation>Jeden Kern entlang seiner Achsen zeichnen (Linienverwaschung), in mm.</translation>
        </message>
        <message>
            <source>Profiles</source>
            <translation>Profile</translation>
        </message>
        <message>
            <source>Plot how well each kernel fits: what it leaves unexplained of the last result, in units of the noise.</source>
            <translation>Zeichnen, wie gut jeder Kern passt: was er vom letzten Ergebnis nicht erklärt, in Einheiten des Rauschens.</translation>
        </message>
        <message>
            <source>Residual by kernel</source>
            <translation>Rest je Kern</translation>
        </message>
        <message>
            <source>Show the place that the kernels explain least in all slice views.</source>
            <translation>In allen Schichtansichten die Stelle zeigen, die die Kerne am wenigsten erklären.</translation>
        </message>
        <message>
            <source>Go to the worst place</source>
            <translation>Zur schlechtesten Stelle</translation>
        </message>
    </context>
    <context>
        <name>methods.choices</name>
        <message>
            <source>Deconvolve (sharpen)</source>
            <translation>Entfalten (schärfen)</translation>
        </message>
        <message>
            <source>Convolve (blur)</source>
            <translation>Falten (verwischen)</translation>
        </message>
        <message>
            <source>Automatic</source>
            <translation>Automatisch</translation>
        </message>
        <message>
            <source>Takes what is expected to come closest, by kernels, image and memory, and says what it took and why.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Blend: filter with each kernel</source>
            <translation>Mischen: mit jedem Kern filtern</translation>
        </message>
        <message>
            <source>Filters with every kernel and blends the results: fast, approximate where kernels change.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Joint: invert the whole model</source>
            <translation>Gemeinsam: das ganze Modell umkehren</translation>
        </message>
        <message>
            <source>Solves for the image that the varying blur explains: exact where kernels change, slower.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Where memory asks for it</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>In tiles where all at once would not fit into memory.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Never</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>All at once, or not at all.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Best result</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Takes the method that is expected to come closest.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Quick result</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Takes the quickest method that suits the kernels.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Detector: kernel of the receiving voxel</source>
            <translation>Empfänger: Kern des empfangenden Voxels</translation>
        </message>
        <message>
            <source>Source: kernel of the sending voxel</source>
            <translation>Quelle: Kern des sendenden Voxels</translation>
        </message>
        <message>
            <source>Repeat the edge</source>
            <translation>Rand wiederholen</translation>
        </message>
        <message>
            <source>Zero outside</source>
            <translation>Außen null</translation>
        </message>
        <message>
            <source>Periodic</source>
            <translation>Periodisch</translation>
        </message>
        <message>
            <source>Estimate what lies outside</source>
            <translation>Schätzen, was außen liegt</translation>
        </message>
        <message>
            <source>SimpleITK</source>
            <translation>SimpleITK</translation>
        </message>
        <message>
            <source>FFT (same result, faster)</source>
            <translation>FFT (gleiches Ergebnis, schneller)</translation>
        </message>
        <message>
            <source>Nothing to judge it by</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>There is no noise, or no change, that the rest could be compared with.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Explained by the kernels</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>What the result, blurred again, leaves of the image is noise.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Partly explained by the kernels</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>The result, blurred again, leaves more of the image than noise.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Not explained by the kernels</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>The result is likely no closer to the truth than the image.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>More noise than detail</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>The filter raises the noise by more than it brings back.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Try the best method</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Run again with the method that is expected to come closest.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Measure the width</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Hold the width of the kernels to the blur that the image shows.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Intensity</source>
            <translation>Intensität</translation>
        </message>
        <message>
            <source>Region (segment or label)</source>
            <translation>Bereich (Segment oder Label)</translation>
        </message>
        <message>
            <source>Position</source>
            <translation>Ort</translation>
        </message>
        <message>
            <source>One kernel everywhere</source>
            <translation>Ein Kern überall</translation>
        </message>
        <message>
            <source>Weight images</source>
            <translation>Gewichtsbilder</translation>
        </message>
        <message>
            <source>Channel of a volume</source>
            <translation>Kanal eines Volumens</translation>
        </message>
        <message>
            <source>Frame of a sequence</source>
            <translation>Einzelbild einer Sequenz</translation>
        </message>
        <message>
            <source>Interpolate</source>
            <translation>Interpolieren</translation>
        </message>
        <message>
            <source>Nearest kernel</source>
            <translation>Nächster Kern</translation>
        </message>
        <message>
            <source>Inverse distance</source>
            <translation>Inverser Abstand</translation>
        </message>
        <message>
            <source>Let the image decide</source>
            <translation>Das Bild entscheidet</translation>
        </message>
        <message>
            <source>Takes what explains the image; where both do: as measured.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>As measured</source>
            <translation>Wie gemessen</translation>
        </message>
        <message>
            <source>The kernel belongs to the value that the image at hand has at a voxel.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>True, before the blur</source>
            <translation>Wahre, vor der Unschärfe</translation>
        </message>
        <message>
            <source>The kernel belongs to the object's own value, which the result finds.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Leave unchanged</source>
            <translation>Unverändert lassen</translation>
        </message>
        <message>
            <source>Refuse to run</source>
            <translation>Ablehnen</translation>
        </message>
        <message>
            <source>Least squares</source>
            <translation>Kleinste Quadrate</translation>
        </message>
        <message>
            <source>Fourier (fast, large kernels)</source>
            <translation>Fourier (schnell, große Kerne)</translation>
        </message>
        <message>
            <source>Not negative</source>
            <translation>Nicht negativ</translation>
        </message>
        <message>
            <source>Equal sums</source>
            <translation>Gleiche Summen</translation>
        </message>
        <message>
            <source>Sum 1</source>
            <translation>Summe 1</translation>
        </message>
        <message>
            <source>Not negative, sum 1</source>
            <translation>Nicht negativ, Summe 1</translation>
        </message>
    </context>
    <context>
        <name>methods.registry</name>
        <message>
            <source>Threshold:</source>
            <translation>Schwelle:</translation>
        </message>
        <message>
            <source>Frequencies that the kernel passes by less than this fraction are left out (no unit).</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Regularization:</source>
            <translation>Regularisierung:</translation>
        </message>
        <message>
            <source>Constant added to the kernel's power spectrum: larger values give a smoother image (no unit).</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Step:</source>
            <translation>Schrittweite:</translation>
        </message>
        <message>
            <source>Length of one step, below {most} for kernels that sum to one (no unit).</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Length of one step, at most {most} for kernels that sum to one (no unit).</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Smoothness:</source>
            <translation>Glätte:</translation>
        </message>
        <message>
            <source>Weight of the squared gradient against the data: larger values give a smoother image.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Weight of the total variation against the data: larger values give a smoother image.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Inverse</source>
            <translation>Invers</translation>
        </message>
        <message>
            <source>Divides by the kernel's spectrum where that is large enough: fast, but it amplifies noise.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Tikhonov</source>
            <translation>Tikhonov</translation>
        </message>
        <message>
            <source>Inverse filter damped by a constant: fast, a safe choice for noisy images.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Wiener</source>
            <translation>Wiener</translation>
        </message>
        <message>
            <source>Weighs every frequency by its signal-to-noise ratio: fast, uses the noise level.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Landweber</source>
            <translation>Landweber</translation>
        </message>
        <message>
            <source>Approaches the sharp image step by step: stopping early keeps the noise down.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Projected Landweber</source>
            <translation>Projiziertes Landweber</translation>
        </message>
        <message>
            <source>Landweber steps without negative values: for images that cannot be negative.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Richardson-Lucy</source>
            <translation>Richardson-Lucy</translation>
        </message>
        <message>
            <source>Multiplicative steps for counts (Poisson noise): keeps the image positive.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Multiplicative steps for counts: keeps the image positive, stops by itself.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Gradient steps that stop when what is left is noise.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Gradient steps without negative values, for images that have none.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Least squares with a smooth result: fast and safe for noisy images.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Total variation</source>
            <translation>Totale Variation</translation>
        </message>
        <message>
            <source>Least squares with sharp edges, and flat regions or slopes as the image has them: slower.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Self-keyed total variation</source>
            <translation>Totale Variation, selbst bestimmt</translation>
        </message>
        <message>
            <source>Total variation with kernels chosen by the sharp intensity that is being sought.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Plug-and-play</source>
            <translation>Plug-and-play</translation>
        </message>
        <message>
            <source>A denoiser in the place of a penalty: closest to most images, and slowest.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Automatic</source>
            <translation>Automatisch</translation>
        </message>
        <message>
            <source>Strategy and method that are expected to come closest, by kernels, image and memory.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>For every kernel the filter, constant and iterations that do best in a simulation with the image.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>The inversion that is expected to come closest, by kernels and image.</source>
            <translation type="unfinished"></translation>
        </message>
    </context>
    <context>
        <name>mrml.previewing</name>
        <message>
            <source>Preview</source>
            <translation>Vorschau</translation>
        </message>
        <message>
            <source>{size} voxels, {seconds:.1f} s.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>a better one follows</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Nothing changes: {notes}.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Approximate: {notes}.</source>
            <translation type="unfinished"></translation>
        </message>
    </context>
    <context>
        <name>mrml.sheets</name>
        <message>
            <source>{name} residual, channels together</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{name} residual</source>
            <translation type="unfinished"></translation>
        </message>
    </context>
    <context>
        <name>panel.applysection</name>
        <message>
            <source>Apply</source>
            <translation>Anwenden</translation>
        </message>
        <message>
            <source>Stop measuring.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Spatially Variant Deconvolution</source>
            <translation>Ortsabhängige Entfaltung</translation>
        </message>
        <message>
            <source>{name} shows one of the {count} frames of the sequence {sequence}. Work on all of them?</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>All {count} frames</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>This frame only</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Stop and leave the scene as it is.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Cancelled; nothing was changed.</source>
            <translation type="unfinished"></translation>
        </message>
    </context>
    <context>
        <name>panel.compare</name>
        <message>
            <source>One of the two volumes holds no voxels any more.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>There are no two slice views to show the volumes in.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Output - input</source>
            <translation>Ausgabe - Eingabe</translation>
        </message>
        <message>
            <source>Residual / noise</source>
            <translation>Rest / Rauschen</translation>
        </message>
        <message>
            <source>Residual</source>
            <translation>Rest</translation>
        </message>
    </context>
    <context>
        <name>panel.comparing</name>
        <message>
            <source>{name} difference</source>
            <translation type="unfinished"></translation>
        </message>
    </context>
    <context>
        <name>panel.curveplots</name>
        <message>
            <source>What the kernels pass (MTF)</source>
            <translation>Was die Kerne durchlassen (MTF)</translation>
        </message>
        <message>
            <source>Spatial frequency (1/mm)</source>
            <translation>Ortsfrequenz (1/mm)</translation>
        </message>
        <message>
            <source>Modulation</source>
            <translation>Modulation</translation>
        </message>
        <message>
            <source>Profiles of the kernels</source>
            <translation>Profile der Kerne</translation>
        </message>
        <message>
            <source>Distance (mm)</source>
            <translation>Abstand (mm)</translation>
        </message>
        <message>
            <source>Weight per mm</source>
            <translation>Gewicht je mm</translation>
        </message>
        <message>
            <source>everywhere</source>
            <translation>überall</translation>
        </message>
        <message>
            <source>{name}, along i</source>
            <translation>{name}, entlang i</translation>
        </message>
        <message>
            <source>{name}, along j</source>
            <translation>{name}, entlang j</translation>
        </message>
        <message>
            <source>measured</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>of the kernel</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>the highest that voxels show</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Measured MTF</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>in units of the noise</source>
            <translation>in Einheiten des Rauschens</translation>
        </message>
        <message>
            <source>in units of the image</source>
            <translation>in Einheiten des Bildes</translation>
        </message>
        <message>
            <source>root mean square</source>
            <translation>quadratisches Mittel</translation>
        </message>
        <message>
            <source>at the worst place</source>
            <translation>an der schlechtesten Stelle</translation>
        </message>
        <message>
            <source>what noise leaves</source>
            <translation>was Rauschen übrig lässt</translation>
        </message>
        <message>
            <source>What each kernel leaves unexplained</source>
            <translation>Was jeder Kern nicht erklärt</translation>
        </message>
        <message>
            <source>Level</source>
            <translation>Stufe</translation>
        </message>
        <message>
            <source>Kernel</source>
            <translation>Kern</translation>
        </message>
        <message>
            <source>Residual, {unit}</source>
            <translation>Rest, {unit}</translation>
        </message>
        <message>
            <source>times the noise</source>
            <translation>mal das Rauschen</translation>
        </message>
        <message>
            <source>image units</source>
            <translation>Bildeinheiten</translation>
        </message>
        <message>
            <source>The kernel at {at} fits least: {rms:.3g} {unit}. The worst place is voxel {voxel} (i, j, k): {worst:.3g}.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>The kernel leaves {rms:.3g} {unit}. The worst place is voxel {voxel} (i, j, k): {worst:.3g}.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{title} table</source>
            <translation>{title} (Tabelle)</translation>
        </message>
    </context>
    <context>
        <name>panel.estimatesection</name>
        <message>
            <source>Measure</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Measure the kernels and put them into the table.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Stop and leave the table as it is.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Measuring: {text}</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Measured kernel {place}</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Cancelled; nothing was changed.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Spatially Variant Deconvolution</source>
            <translation>Ortsabhängige Entfaltung</translation>
        </message>
    </context>
    <context>
        <name>panel.goalsection</name>
        <message>
            <source>A method of my choice</source>
            <translation type="unfinished"></translation>
        </message>
    </context>
    <context>
        <name>panel.kernelfacts</name>
        <message>
            <source>Automatic</source>
            <translation>Automatisch</translation>
        </message>
        <message>
            <source>Middle</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>ITK's voxel (n // 2)</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Peak</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Centroid</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>the middle of a kernel that is symmetric about it, ITK's voxel of others</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>(n - 1) / 2, which lies between two voxels where n is even</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>index n // 2, counted from 0, the rule of ITK's filters</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>the largest value</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>the mean place of the weight</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>centre in the middle, between voxels</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>centre in the middle</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>centre at ITK's voxel {place}</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>centre at {place}</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{size} of the image's voxels, {centre}</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{size} voxels of {spacing} mm, {centre}</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>centre middle</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>centre ITK's</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>centre {place}</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>image's voxels</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{spacing} mm</source>
            <translation type="unfinished"></translation>
        </message>
    </context>
    <context>
        <name>panel.kernelfields</name>
        <message>
            <source>one number, or one for each axis of the volume</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>several numbers</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>({count} numbers)</source>
            <translation type="unfinished"></translation>
        </message>
    </context>
    <context>
        <name>panel.kernelfiles</name>
        <message>
            <source>{reason}: correct the levels in the table.</source>
            <translation>{reason}: Berichtigen Sie die Stufen in der Tabelle.</translation>
        </message>
        <message>
            <source>{reason}: levels are spread evenly over the image's values, correct them in the table.</source>
            <translation type="unfinished"></translation>
        </message>
    </context>
    <context>
        <name>panel.kernelrows</name>
        <message>
            <source>Volume</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>The voxels of a volume in the scene.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>level</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>position '{text}' must be three numbers: z, y, x in mm</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>channel '{text}' is no number from 1 on</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>no file is chosen</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>its size is missing</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>size '{text}' is no number</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>size '{text}' must be one number</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>size '{text}' must be whole voxels</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>direction '{text}' must be an angle, or z, y, x</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>no volume is chosen</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>it has no segment</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>it has no channel</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>it has no frame</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{what} '{text}' is no number</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>the kernel table is empty; add a kernel or load a kernel set</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>one kernel everywhere, but the table has {count}; remove the others</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>kernel {row}</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>The kernel table is empty: add a kernel, or load a kernel set.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>One kernel everywhere, but the table has {count}: remove the others.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Kernel {number}: {problem}.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Kernels {first} and {second} are both for {place}: remove or change one.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>press the right mouse button on the row and choose Prepare: that mends it</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>narrower than half a voxel ({size:g} mm): it changes next to nothing</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>by its covariance</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{name}, page {page}</source>
            <translation>{name}, Seite {page}</translation>
        </message>
        <message>
            <source>{name} (logarithm)</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{name} (decimal logarithm)</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>its voxels are those of the input volume; choose that first, or give their size</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{name} prepared</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Levels from histogram</source>
            <translation>Stufen aus dem Histogramm</translation>
        </message>
        <message>
            <source>Fill the table with levels around which the intensities of the volume gather.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>A row for every segment</source>
            <translation>Eine Zeile je Segment</translation>
        </message>
        <message>
            <source>Add a row for every segment or label that has none yet.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>A row for every channel</source>
            <translation>Eine Zeile je Kanal</translation>
        </message>
        <message>
            <source>Add a row for every channel that has none yet.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>A row for every frame</source>
            <translation>Eine Zeile je Einzelbild</translation>
        </message>
        <message>
            <source>Add a row for every frame that has none yet.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Level</source>
            <translation>Stufe</translation>
        </message>
        <message>
            <source>Segment</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>z, y, x (mm)</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Everywhere</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Weight image</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Channel</source>
            <translation>Kanal</translation>
        </message>
        <message>
            <source>Frame</source>
            <translation>Einzelbild</translation>
        </message>
        <message>
            <source>stored</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>different</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>One {kind} kernel for the whole volume.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>One {kind} kernel, at intensity {level:g}.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{count} {kind} kernels, intensity {least:g} to {most:g}.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>One {kind} kernel, keyed to a region.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>One {kind} kernel, keyed to position.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>One {kind} kernel, with a weight image.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>One {kind} kernel, for one channel.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>One {kind} kernel, for one frame.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{count} {kind} kernels, keyed to regions.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{count} {kind} kernels, keyed to position.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{count} {kind} kernels, each with its own weight image.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{count} {kind} kernels, one for each channel.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{count} {kind} kernels, one for each frame.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>there is no text on the clipboard; copy cells of a spreadsheet first</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>line {number}: a kernel from a file needs its path</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>line {number}: {problem}</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>line {number}: '{word}' is no kind of kernel; known: {known}</source>
            <translation type="unfinished"></translation>
        </message>
    </context>
    <context>
        <name>panel.kerneltable</name>
        <message>
            <source>Prepare: background, centre, edge, sum</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>the kernel</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>its natural logarithm</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>its decimal logarithm</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Kernel</source>
            <translation>Kern</translation>
        </message>
        <message>
            <source>Parameters</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Notes</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Volume:</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>File:</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Values are:</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Angle (°):</source>
            <translation>Winkel (°):</translation>
        </message>
        <message>
            <source>left half of the picture: before</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Changes apply to the {count} selected rows.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{spacing} (of the file)</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>the image's</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{spacing} (the image's)</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Read a table of distances and densities</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>There is nothing to prepare in the selected rows.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>There is no other volume in the scene</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Kernels</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>All files</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Add kernels from files</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{name} holds {size} values. What are they?</source>
            <translation>{name} enthält {size} Werte. Was sind sie?</translation>
        </message>
        <message>
            <source>{count} kernels of {size}</source>
            <translation>{count} Kerne von {size}</translation>
        </message>
        <message>
            <source>One kernel in 3-D</source>
            <translation>Ein Kern in 3-D</translation>
        </message>
        <message>
            <source>Load kernel set</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Kernel sets</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Save kernel set</source>
            <translation type="unfinished"></translation>
        </message>
    </context>
    <context>
        <name>panel.kernelweights</name>
        <message>
            <source>it has no weight image</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>'{text}' is no number of an image, from 0 on</source>
            <translation type="unfinished"></translation>
        </message>
    </context>
    <context>
        <name>panel.model</name>
        <message>
            <source>Whole volume</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Segments or label map</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Threshold range</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Box (ROI)</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Blurs the input volume with the kernels{time}.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{strategy}, {method}: {time}. {sentence}</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>If the kernels belong to true values: {method}, {time}.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{time}, in {count} tiles as memory asks for</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>less than a second</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>about {time}</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>auto (until only noise is left)</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>default ({count})</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>One kernel for the whole volume</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>The kernel of each row of the table</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Anything</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Choose an input volume.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>The input volume is empty: choose another one.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Choose at least one segment of the region.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Choose the segmentation or label map of the region.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Choose the threshold range of the region.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Choose or create the box (ROI) of the region.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>There is nothing in the segmentation or label map of the region: fill it, or choose another one.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Choose the segmentation or label map that the kernels belong to.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>The input volume has a single channel: choose one of several, or what else chooses the kernel.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>The input volume is no frame of a sequence: choose one, or what else chooses the kernel.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Self-keyed needs kernels keyed to intensity; choose another method or key.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Choose an output volume that is not one of the inputs.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Some kernels lie in the slice: check 'Slice by slice'; or give a motion a direction z, y, x.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Some kernels lie in the slice: check 'Slice by slice'.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Wait for the run to end, or cancel it.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Wait for the measurement to end, or cancel it.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Convolve the input volume with the kernels.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Deconvolve the input volume with the kernels: {method}.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{text}, {seconds:.0f} s so far</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{text}, about {time} left</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{seconds} s</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{minutes} min</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{hours} h</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{seconds:.1f} s</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{minutes} min {seconds} s</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{name}: done in {time}</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{count} iterations</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>noise {noise:.3g}</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>centre of the kernels: {place}</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>The width of the kernels cannot be told: {reason}.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Width: {text}.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Warning: {text}</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>residual {residual:.3g} (1 is ideal)</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>residual far above the noise</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{name}: {count} frames done in {time} of work</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>at most {residual}</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>One kernel applies everywhere.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>One kernel applies everywhere in a channel.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>One kernel applies everywhere in a frame.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Choose the sharp volume.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Choose the blurred volume.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Choose what the kernels are keyed to, or measure one kernel.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Fill the table with levels, regions or positions first.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Measured in {time}</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>{count} of {all} kernels determined by the volumes</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>uncertainty {percent:.0f} %</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>gain {gain:.4g}</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>offset {offset:.4g}</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>shift {shift} mm</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>The computer ran out of memory; close other data or crop the volume.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>choose 'its natural logarithm' at 'Values are'</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>uncheck 'gain'</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>(Advanced, NaN and infinity)</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Fill NaN and infinity, and apply</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Resample onto the input, and apply</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Work slice by slice, and apply</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Work slice by slice</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>(In the panel: Advanced, NaN and infinity.)</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>(In the panel: Advanced, Other geometry.)</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>(In the panel: Kernels, Slice by slice.)</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>(In the panel: Advanced, Offset.)</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>(In the panel: Inputs, Engine.)</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>(In the panel: Kernels, Outside.)</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>(In the panel: Inputs, What to do.)</source>
            <translation type="unfinished"></translation>
        </message>
    </context>
    <context>
        <name>panel.onevolume</name>
        <message>
            <source>A sharp and a blurred volume</source>
            <translation>Scharfes und unscharfes Volumen</translation>
        </message>
        <message>
            <source>Beads, stars or other points</source>
            <translation>Kügelchen, Sterne oder andere Punkte</translation>
        </message>
        <message>
            <source>A straight edge, slanted</source>
            <translation>Gerade Kante, schräg</translation>
        </message>
        <message>
            <source>A slit or wire, slanted</source>
            <translation>Spalt oder Draht, schräg</translation>
        </message>
        <message>
            <source>Choose the volume that shows the points.</source>
            <translation>Wählen Sie das Volumen, das die Punkte zeigt.</translation>
        </message>
        <message>
            <source>Choose the volume that shows the edge.</source>
            <translation>Wählen Sie das Volumen, das die Kante zeigt.</translation>
        </message>
        <message>
            <source>Choose the volume that shows the slit.</source>
            <translation>Wählen Sie das Volumen, das den Spalt zeigt.</translation>
        </message>
        <message>
            <source>{name} kernel</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>positions are mm from the first voxel of {name}, whose grid is another than the input's</source>
            <translation type="unfinished"></translation>
        </message>
    </context>
    <context>
        <name>panel.plotnodes</name>
        <message>
            <source>Which kernel applies where</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Intensity</source>
            <translation>Intensität</translation>
        </message>
        <message>
            <source>Weight (grey: voxels, square root)</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>refused</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>unchanged</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>everywhere</source>
            <translation>überall</translation>
        </message>
        <message>
            <source>How much of the image each kernel has</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Kernel</source>
            <translation>Kern</translation>
        </message>
        <message>
            <source>Share of the voxels</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Kernel weights</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Kernel weights table</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Voxels</source>
            <translation type="unfinished"></translation>
        </message>
    </context>
    <context>
        <name>panel.preview</name>
        <message>
            <source>Computing the preview...</source>
            <translation type="unfinished"></translation>
        </message>
    </context>
    <context>
        <name>panel.running</name>
        <message>
            <source>Preparing...</source>
            <translation>Vorbereitung...</translation>
        </message>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>Cancelling...</source>
            <translation>Wird abgebrochen...</translation>
        </message>
    </context>
    <context>
        <name>panel.runssection</name>
        <message>
            <source>Result</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Time</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>The buttons beside 'Compare' show {before} and {after}.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>The voxels of this result are kept no longer; its settings are.</source>
            <translation type="unfinished"></translation>
        </message>
    </context>
    <context>
        <name>panel.sheetsection</name>
        <message>
            <source>Compare all methods</source>
            <translation>Alle Verfahren vergleichen</translation>
        </message>
        <message>
            <source>Restore the block around the position of the slice views with every method.</source>
            <translation>Den Block um die Stelle der Schichtansichten mit jedem Verfahren wiederherstellen.</translation>
        </message>
        <message>
            <source>Stop; what is there stays.</source>
            <translation>Anhalten; was da ist, bleibt.</translation>
        </message>
        <message>
            <source>Stopped.</source>
            <translation>Angehalten.</translation>
        </message>
        <message>
            <source>Chosen: {name}.</source>
            <translation>Gewählt: {name}.</translation>
        </message>
    </context>
    <context>
        <name>panel.sheettiles</name>
        <message>
            <source>Input</source>
            <translation>Eingabe</translation>
        </message>
        <message>
            <source>Blend</source>
            <translation>Mischen</translation>
        </message>
        <message>
            <source>Joint</source>
            <translation>Gemeinsam</translation>
        </message>
        <message>
            <source>{strategy}: {method}</source>
            <translation>{strategy}: {method}</translation>
        </message>
        <message>
            <source>{name} (automatic)</source>
            <translation>{name} (automatisch)</translation>
        </message>
        <message>
            <source>not possible here</source>
            <translation>hier nicht möglich</translation>
        </message>
        <message>
            <source>{gain:+.1f} dB</source>
            <translation>{gain:+.1f} dB</translation>
        </message>
        <message>
            <source>residual {residual:.2f}</source>
            <translation>Rest {residual:.2f}</translation>
        </message>
        <message>
            <source>The input volume. Residual: how it differs from itself, blurred again, in units of the noise.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Click to choose this method. Residual: what the block leaves unexplained, in units of the noise (1 is ideal). dB: how much closer to the truth it came in a simulation, which tells the better method, not by how much.</source>
            <translation type="unfinished"></translation>
        </message>
    </context>
    <context>
        <name>shapes.registry</name>
        <message>
            <source>Sigma (mm):</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>sigma</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>full width at half maximum</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>FWHM (mm):</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>FWHM</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Length (mm):</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>length</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Width (mm):</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>width</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Radius (mm):</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>radius</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Size (voxels):</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>size</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Amount:</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>amount</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Sigmas (mm):</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>sigmas</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>full width at half maximum of each</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>FWHMs (mm):</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>FWHMs</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>share of the weight of each, in any unit</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Amplitudes:</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>amplitudes</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Lambda (mm):</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>lambda</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Alpha (mm):</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>alpha</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>how steep the wings are; greater than 1 in 2-D and 1.5 in 3-D</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Beta:</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>beta</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>how far it reaches from its centre</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Reach (mm):</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>reach</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Distances (mm):</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>distances</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>weight per area or volume at each distance, in any unit</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Densities:</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>densities</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Aperture (NA):</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>NA</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>wavelength of the light that is seen, in vacuum</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Wavelength (nm):</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>wavelength</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>wavelength of the light that excites, in vacuum</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Excitation (nm):</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>excitation</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>refractive index of the immersion medium: air 1, water 1.33, oil 1.515</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Immersion index:</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>immersion</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>refractive index of the sample</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Sample index:</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>sample</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>depth of the point below the coverslip</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Depth (mm):</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>depth</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Gaussian</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Gaussian blur of standard deviation sigma.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Motion</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Uniform straight motion during the exposure.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Box</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Mean over a box.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Disk</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Defocus in the plane of the slice: a uniform disk.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Ball</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Defocus in three dimensions: a uniform ball.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Sum of Gaussians</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Several Gaussians about one centre, as of scatter and dose.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Lorentz</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Glare and scatter with a Lorentzian line spread function; heavy tails.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Exponential</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Scatter that falls off exponentially with the distance.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Moffat</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>A core with wings, as of stars and lenses.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Radial table</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Densities at distances from the centre, from a table.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Born-Wolf</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Wide-field microscope without aberrations.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Gibson-Lanni</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Wide-field microscope, with the aberrations of indices and of the depth in the sample.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Confocal</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Confocal microscope with a small pinhole.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Mean</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Mean of a block of voxels.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Sum</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Sum over a block of voxels; not normalised.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Cross sum</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Sum of a voxel and its face neighbours; not normalised.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Laplace</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Second differences in intensity per mm²: edges; sums to 0, for convolution only.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Sharpen</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>The image minus a part of its Laplacian; for convolution.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>No blur</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>Leaves the image as it is.</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>File</source>
            <translation type="unfinished"></translation>
        </message>
        <message>
            <source>The voxels of a file: an image, an array, a table of text.</source>
            <translation>Die Voxel einer Datei: eines Bildes, einer Matrix, einer Tabelle als Text.</translation>
        </message>
    </context>
</TS>
