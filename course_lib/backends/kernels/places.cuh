// Reading and writing at the places that an index names.
//
// An index may lie outside the array. The host cannot look: it would have to wait for the GPU. So the kernel looks, and
// what it finds wrong it reports into a few numbers of the host's own memory, which a GPU can write to as well; the
// host reads them when it next waits for the GPU anyway (backends/reports.py). Such an index then stands for place 0,
// so that nothing is read or written that does not belong to the array. (PyTorch's kernels stop the program instead:
// "device-side assert triggered", after which the GPU cannot be used until Python is started again.)
#ifndef PLACES_CUH
#define PLACES_CUH

#include "elementwise.cuh"

// The integers of an index: int64, or int32 if the loader says so.
#ifndef INDEX
#define INDEX long long
#endif
using Named = INDEX;

// report: [1, the index, the length]; several threads may write it, each of them something that is true.
__device__ inline int place_of(Named index, int least, int length, long long* report)
{
    if (index < least || index >= length) {
        report[1] = index;
        report[2] = length;
        report[0] = 1;
        return 0;
    }
    return int(index < 0 ? index + length : index);  // with `least` -length, -1 is the last one
}

#endif
